"""Compare our full tier with plain spandrel, fp32 and fp16, from 512 x 512 to 2048 x 2048 on a GPU with x4plus.

Each side upscales a queue of 32 pictures, one after the other, from and to bytes in host memory. The network has the
published network's exact shapes and random weights. `python -m bench.upscale_gpu SIDE BLOCKS COUNT` makes it small.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from bench.lib.report import figures, finish
from engine.tasks.upscale.realesrgan.full import TorchUpscaler
from engine.tasks.upscale.realesrgan.networks import PHOTO, SCALE
from engine.tasks.upscale.realesrgan.rrdb_split import Dense
from engine.tasks.upscale.realesrgan.tiled_upscale import upscale
from engine.tasks.upscale.realesrgan.tiles import cut
from engine.tasks.upscale.tile_planner import Tiled
from engine.torch_support.torchvision_import import import_torchvision

Picture = NDArray[np.uint8]
Road = Callable[[Picture], Picture]

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SIDE, BLOCKS, COUNT = (int(word) for word in (sys.argv[1:] or ("512", "23", "32")))


def network() -> Any:
    """Return the published network's shape with random weights that keep pictures between 0 and 1."""
    import_torchvision()
    from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet

    torch.manual_seed(0)
    made = RRDBNet(num_blocks=BLOCKS).eval()
    with torch.no_grad():
        made.model[-1].weight.mul_(4)
        made.model[-1].bias.fill_(0.5)
    return made.half().float()


def wait() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def ceiling() -> float:
    """Return the TFLOP/s of a large fp16 matrix product of random numbers."""
    size = 8192 if DEVICE == "cuda" else 512
    one, other = (torch.randn(size, size, device=DEVICE, dtype=torch.float16) for _ in range(2))
    times = []
    for _ in range(13):
        wait()
        started = time.perf_counter()
        _ = one @ other
        wait()
        times.append(time.perf_counter() - started)
    return 2 * size**3 / statistics.median(times[3:]) / 1e12


def work(whole: Any) -> float:
    """Return the TFLOP of one picture, counted by torch at 32 x 32 and scaled by area, as for convolutions."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        whole(torch.rand(1, 3, 32, 32))
    return float(counter.get_total_flops()) * (SIDE / 32) ** 2 / 1e12


def plain(whole: Any, dtype: torch.dtype, layout: torch.memory_format = torch.contiguous_format) -> Road:
    """Return a function that runs spandrel's network directly."""
    model = whole.to(DEVICE, dtype, memory_format=layout)

    def run(picture: Picture) -> Picture:
        with torch.inference_mode():
            planes = torch.from_numpy(picture).to(DEVICE).permute(2, 0, 1)[None].to(dtype) / 255
            made = model(planes.contiguous(memory_format=layout))[0]
            levels: Picture = (made.float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
            return levels

    return run


def ours(whole: Any, folder: Path) -> tuple[Road, TorchUpscaler]:
    """Return a function that runs the full tier, tiles included, from a .pth file, and its upscaler."""
    torch.save(whole.float().cpu().state_dict(), folder / f"{PHOTO}.pth")
    upscaler = TorchUpscaler(folder / f"{PHOTO}.pth", PHOTO, DEVICE)
    tiled = Tiled(upscaler, DEVICE)
    return lambda picture: tiled(picture, (SCALE * SIDE, SCALE * SIDE), lambda _: None), upscaler


def measure(name: str, road: Road, queue: list[Picture], facts: tuple[float, float], truth: Picture | None) -> Picture:
    """Upscale three warm-up pictures and then the queue. Print the figures, and return the first result."""
    made, *_ = [road(picture) for picture in queue[:3]]
    wait()
    times = []
    for picture in queue:
        started = time.perf_counter()
        road(picture)
        times.append(time.perf_counter() - started)
    one, rate = statistics.median(times), len(queue) / sum(times)
    wrong = "" if truth is None else f"{psnr(made, truth):>9.1f}"
    amount, top = facts
    figures[f"upscale, {name}, ms"] = one * 1e3
    print(
        f"{name:<44} {one * 1e3:>8.1f} {rate:>9.2f} {amount / one:>8.0f} {amount / one / top:>7.0%} {wrong}", flush=True
    )
    return made


def psnr(one: Picture, other: Picture) -> float:
    return float(10 * np.log10(255**2 / (np.mean((one.astype(float) - other) ** 2) + 1e-9)))


def main() -> None:
    """Measure and print all figures."""
    if DEVICE != "cuda" and not sys.argv[1:]:
        print("no NVIDIA GPU here; python -m bench.upscale_gpu 32 2 10 tries it in small")
        return
    card = torch.cuda.get_device_name() if DEVICE == "cuda" else "CPU"
    whole, top = network(), ceiling()
    facts = (work(whole), top)
    print(f"{card}, torch {torch.__version__}: fp16 matrix product {top:.1f} TFLOP/s; a picture {facts[0]:.2f} TFLOP")
    r = np.random.default_rng(0)
    queue = [r.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for _ in range(COUNT)]
    print(f"{'road':<44} {'ms':>8} {'images/s':>9} {'TFLOP/s':>8} {'share':>7} {'dB to fp32':>11}")
    truth = measure("spandrel, eager fp32", plain(whole, torch.float32), queue, facts, None)
    if DEVICE == "cuda":
        measure("spandrel, eager fp16", plain(whole, torch.float16), queue, facts, truth)
        channels = plain(whole, torch.float16, torch.channels_last)
        measure("spandrel, eager fp16, channels last", channels, queue, facts, truth)
    with tempfile.TemporaryDirectory() as folder:
        road, upscaler = ours(whole, Path(folder))
        measure("ours, before it compiles", road, queue, facts, truth)
        started = time.perf_counter()
        parts(upscaler).compile().join()
        road(queue[0])
        print(f"  compiling took {time.perf_counter() - started:.1f} s")
        measure("ours, fp16", road, queue, facts, truth)
        if DEVICE == "cuda":
            measure_network(upscaler, queue[0], facts)
        large(upscaler, *((2_000_000_000, 2000) if DEVICE == "cuda" else (20_000_000, 120)))
    finish()


def measure_network(upscaler: TorchUpscaler, picture: Picture, facts: tuple[float, float]) -> None:
    """Measure the network without copies to and from the GPU, and replayed as one CUDA graph."""
    planes = (torch.from_numpy(picture).cuda().half() / 255).permute(2, 0, 1)[None]
    with torch.inference_mode():
        for name, run in (
            ("launched", lambda: run_network(upscaler, planes)),
            ("graphed", capture_graph(upscaler, planes)),
        ):
            times = []
            for _ in range(10):
                start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                start.record()
                run()
                end.record()
                wait()
                times.append(start.elapsed_time(end))
            one = statistics.median(times[2:])
            print(f"  our network alone, {name}: {one:.1f} ms, {facts[0] / one * 1e3 / facts[1]:.0%} of the ceiling")
    print(f"  most memory held {torch.cuda.max_memory_allocated() / 1e9:.2f} GB")


def capture_graph(upscaler: TorchUpscaler, planes: torch.Tensor) -> Any:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run_network(upscaler, planes)
    return graph.replay


def parts(upscaler: TorchUpscaler) -> Dense:
    assert upscaler.parts is not None
    return upscaler.parts


def run_network(upscaler: TorchUpscaler, planes: torch.Tensor) -> Any:
    """Run all parts of the network on the whole picture."""
    dense = parts(upscaler)
    x = early = dense.first(planes)
    for number in range(dense.blocks):
        x = dense.block(number, x)
    return dense.grow(dense.last(x, early))


def large(upscaler: TorchUpscaler, free: int, side: int) -> None:
    """Compare a picture with only `free` bytes of GPU memory left against one with all of it.

    The last layers are tiled in both cases if they do not fit into the GPU.
    """
    picture = np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    quiet: Callable[[float], None] = lambda _: None  # noqa: E731
    upscaler.enlarge(picture[:256, :256])
    started = time.perf_counter()
    whole = upscaler.enlarge(picture)
    wait()
    took = time.perf_counter() - started
    high = peak()
    plan = cut(side, side, upscaler, free)
    print(f"\n{side} x {side} to {SCALE * side}, in {plan.count} tiles where {free / 1e9:.2f} GB are free")
    for turn in ("first", "again"):
        held = ballast(free)
        started = time.perf_counter()
        tiled = upscale(picture, whole.shape[:2], upscaler, plan, quiet)
        wait()
        spent, used = time.perf_counter() - started, peak() - held.nbytes
        difference = np.abs(tiled.astype(np.int16) - whole)
        figures[f"upscale, {side} in tiles of the whole's time, {turn}"] = spent / took
        print(
            f"  {turn}: {spent:.2f} s, whole {took:.2f} s, ratio {spent / took:.2f}; {used / 1e9:.2f} GB, whole"
            f" {high / 1e9:.2f} GB; differs by at most {difference.max()} levels, mean {difference.mean():.4f},"
            f" by over 2 in {np.mean(difference > 2):.1e}",
            flush=True,
        )
        del held


def ballast(free: int) -> torch.Tensor:
    """Take all of the GPU's memory but `free` bytes."""
    if DEVICE != "cuda":
        return torch.empty(0)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    return torch.empty(torch.cuda.mem_get_info()[0] - free, dtype=torch.uint8, device=DEVICE)


def peak() -> int:
    return int(torch.cuda.max_memory_allocated()) if DEVICE == "cuda" else 0


if __name__ == "__main__":
    main()
