"""Compare LivePortrait on a GPU with its networks alone: frames per second at the published widths.

Goal: a frame takes at most 1.3 times the networks' own time. The weights are random, which does not change the time.
Our pipeline is key points, warping, generator, paste-back and the copy to the host. The reference runs the same
networks on the same chunks with nothing around them. This needs torch, safetensors, OpenCV and NumPy.
"""

import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from bench.lib.report import figures, finish
from engine.tasks.animate.audio_motion.motion import Motion
from engine.tasks.animate.liveportrait.animator import LivePortraitAnimator
from engine.tasks.animate.liveportrait.loading import TorchNetworks
from engine.tasks.animate.liveportrait.networks import POINTS, Widths
from engine.tasks.animate.options import AnimationOptions
from engine.vision.faces.face import Face
from tests.tiny_liveportrait import save

TURNS = 5
FRAMES = 200


class Bare(LivePortraitAnimator):
    """The animator without the search for faces, which needs further weights."""

    def __init__(self, networks: TorchNetworks) -> None:
        self._networks = networks


def face(side: int) -> Face:
    """Return 468 points that fill the middle half of a square picture, as a face's points would."""
    chance = np.random.default_rng(0)
    points = chance.uniform(side * 0.25, side * 0.75, (468, 3)).astype(np.float32)
    for number, (x, y) in {33: (0.36, 0.42), 133: (0.45, 0.42), 263: (0.64, 0.42), 362: (0.55, 0.42)}.items():
        points[number] = (side * x, side * y, 0)
    return Face(points, 1.0)


def motion(count: int) -> Motion:
    wave = np.sin(np.arange(count) / 5).astype(np.float32)
    return Motion(abs(wave), wave, abs(wave), wave, wave, wave, wave, np.zeros((count, 2), np.float32))


def ours(painter: LivePortraitAnimator, side: int) -> float:
    """Return the seconds per frame of our pipeline."""
    picture = np.full((side, side, 3), 127, np.uint8)
    started = time.perf_counter()
    made = sum(1 for _ in painter.frames(picture, face(side), motion(FRAMES), AnimationOptions(True, True, True)))
    return (time.perf_counter() - started) / made


def bare(networks: TorchNetworks) -> float:
    """Return the seconds per frame of the networks alone: warping, generator, stitching, eyes and lips."""
    with torch.inference_mode():
        return _bare(networks)


def _bare(networks: TorchNetworks) -> float:
    features = torch.rand(1, 32, 16, 64, 64, device=networks.device, dtype=networks.dtype)
    points = torch.rand(networks.batch, POINTS, 3, device=networks.device)
    rows = [torch.rand(networks.batch, width, device=networks.device) for width in (126, 66, 65)]
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(FRAMES // networks.batch):
        networks.render(features, points[:1], points)
        for network, row in zip((networks.stitch, networks.eyes, networks.lips), rows, strict=True):
            network(row)
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / (FRAMES // networks.batch * networks.batch)


def main() -> int:
    if not torch.cuda.is_available():
        print("no GPU here")
        return 1
    with TemporaryDirectory() as place:
        save(Path(place), Widths())
        networks = TorchNetworks(Path(place), "cuda:0")
    painter = Bare(networks)
    print(torch.cuda.get_device_name(), torch.__version__, "fp16, batch", networks.batch)
    print("picture   ours frames/s   bare frames/s   ours / bare")
    for side in (512, 1024):
        ours(painter, side), bare(networks)
        turns = [(ours(painter, side), bare(networks)) for _ in range(TURNS)]
        mine, floor = (statistics.median(column) for column in zip(*turns, strict=True))
        figures[f"portrait, {side}, frames/s"] = 1 / mine
        print(f"{side:7}   {1 / mine:13.1f}   {1 / floor:13.1f}   {mine / floor:.2f}")
    print(f"memory {torch.cuda.max_memory_allocated() / 1e9:.1f} GB")
    finish()
    return 0


if __name__ == "__main__":
    sys.exit(main())
