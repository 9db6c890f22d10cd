"""Measure the cost of tiling: our tiled upscaling compared with the network alone on the whole picture.

Goals: at most 1.15 times its time, and memory that does not grow with the picture. Each run is a separate process,
which has its own peak memory. Times are processor seconds, which other programs disturb least.
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from numpy.typing import NDArray

from engine.tasks.upscale.realesrgan.embedded import Upscaler
from engine.tasks.upscale.realesrgan.networks import DRAWING, FAST, PHOTO, SCALE
from engine.tasks.upscale.realesrgan.tiled_upscale import upscale
from engine.tasks.upscale.realesrgan.tiles import cut
from engine.weights import registry

Picture = NDArray[np.uint8]

TURNS = 3
FREE = 1_500_000_000
"""Bytes that a small machine has left: few enough for several tiles."""
COMPARED = ((FAST, 512), (FAST, 1400), (DRAWING, 256), (DRAWING, 400), (PHOTO, 320))
"""Networks and sides of pictures, of which the bare heavy ones take no minutes and no 10 GB."""
GROWING = ((FAST, 768), (FAST, 1536), (DRAWING, 384), (DRAWING, 768))


def picture(side: int) -> Picture:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)


def bare(name: str) -> Callable[[Picture], Any]:
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = 1
    net.load_param(str(registry.FOLDER / name / "x4.param"))
    net.load_model(str(registry.FOLDER / name / "x4.bin"))

    def run(small: Picture) -> Picture:
        planes = np.ascontiguousarray(small.transpose(2, 0, 1), np.float32) / np.float32(255)
        with net.create_extractor() as extractor:
            extractor.input("data", ncnn.Mat(planes))
            made = np.array(extractor.extract("output")[1])
        return (made.transpose(1, 2, 0) * 255 + 0.5).clip(0, 255).astype(np.uint8)

    return run


def ours(name: str) -> Callable[[Picture], Any]:
    network = Upscaler(registry.FOLDER, threads=1, name=name)

    def run(small: Picture) -> Picture:
        high, wide, *_ = small.shape
        plan = cut(high, wide, network, FREE)
        print(plan.count)
        return upscale(small, (SCALE * high, SCALE * wide), network, plan, lambda _: None)

    return run


def one(road: str, name: str, side: int) -> None:
    """Run once, and return processor seconds and peak bytes, without the memory held before and the result."""
    run = bare(name) if road == "bare" else ours(name)
    run(picture(32))
    small, before = picture(side), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    started = time.process_time()
    made = run(small)
    spent = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before - made.nbytes
    print(spent, peak)


def measure(road: str, name: str, side: int) -> tuple[float, float, int]:
    """Run once in a separate process, and return its processor seconds, bytes and tiles."""
    command = [sys.executable, __file__, road, name, str(side)]
    *told, last = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    spent, peak = last.split()
    return float(spent), float(peak), int(told[-1]) if told else 1


def compare() -> None:
    print(f"{'network':<28} {'side':>5} {'tiles':>5} {'bare s':>8} {'ours s':>8} {'ratio':>6} {'MB':>8} {'our MB':>7}")
    for name, side in COMPARED:
        turns = [(measure("bare", name, side), measure("ours", name, side)) for _ in range(TURNS)]
        theirs, own = (statistics.median(turn[which][0] for turn in turns) for which in (0, 1))
        memory = [statistics.median(turn[which][1] for turn in turns) / 1e6 for which in (0, 1)]
        print(
            f"{name:<28} {side:>5} {turns[0][1][2]:>5} {theirs:>8.2f} {own:>8.2f} {own / theirs:>6.2f}"
            f" {memory[0]:>8.0f} {memory[1]:>8.0f}",
            flush=True,
        )


def grow() -> None:
    print(f"\n{'network':<28} {'side':>5} {'tiles':>5} {'s':>8} {'MB beside the result':>21}")
    for name, side in GROWING:
        spent, peak, tiles = measure("ours", name, side)
        print(f"{name:<28} {side:>5} {tiles:>5} {spent:>8.2f} {peak / 1e6:>21.0f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        one(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        compare()
        grow()
