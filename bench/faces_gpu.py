"""The full tier's swap in 1080p frames: ours against InsightFace's own `swapper.get(..., paste_back=True)`, in one run.

The network has inswapper_128's shape and random weights, and both roads run it by the same torch session on the same
device, so that what differs is what is around it: alignment, mask, colours, blending, and what goes to the device and
back. `--channels 16 --blocks 1` makes the network small, so that on a CPU too the surroundings can be compared. Goal on
one H100: 5 times. Needs torch, onnx, insightface. Medians.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch

from engine.backends.faceswap.full import Inswapper, put
from engine.backends.onnx_torch import TorchSession
from tests import tiny_faces

MARKS = np.array([[204, 103], [246, 104], [225, 125], [208, 143], [244, 143]], np.float32)
SIZES = (1.5, 3.0, 5.0)
"""How many times as large as in a picture of 512 x 512 the face is: about 160, 310 and 520 pixels high."""


def median_ms(work: Callable[[], Any], turns: int) -> float:
    for _ in range(3):
        work()
    spent = []
    for _ in range(turns):
        begun = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - begun)
    return 1000 * statistics.median(spent)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--channels", type=int, default=1024, help="of the network's middle; inswapper_128 has 1024")
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--turns", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = tiny_faces.inswapper(Path(place) / "inswapper_128.onnx", given.channels, given.blocks)
        compare(path, given.device, given.turns)


def compare(path: Path, device: str, turns: int) -> None:
    from insightface.app.common import Face
    from insightface.model_zoo.inswapper import INSwapper

    name = torch.cuda.get_device_name() if device.startswith("cuda") else "CPU"
    network, peer = Inswapper(path, device), INSwapper(str(path), TorchSession(path, device))
    embedding = np.random.default_rng(1).standard_normal(512).astype(np.float32)
    latent, source = network.latent(embedding / np.linalg.norm(embedding)), Face(embedding=embedding)
    crop = torch.rand(1, 3, 128, 128, device=network.device)
    alone = median_ms(lambda: network.swap(crop, latent), turns)
    print(f"{name}, network of {network.bytes / 1e6:.0f} MB alone: {alone:.2f} ms\n")
    print(f"{'1920 x 1080, face':<24} {'theirs ms':>10} {'ours ms':>9} {'theirs f/s':>11} {'ours f/s':>9} {'ratio':>6}")
    frame = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    for size in SIZES:
        marks = MARKS * np.float32(size) + np.array([400, 100], np.float32)
        target = Face(kps=marks)
        theirs = median_ms(lambda: peer.get(frame, target, source, paste_back=True), turns)  # noqa: B023
        ours = median_ms(lambda: put(network, latent, frame, marks, 1.0), turns)  # noqa: B023
        told, faster = f"{round(size * 104)} pixels high", theirs / ours
        print(f"{told:<24} {theirs:>10.1f} {ours:>9.1f} {1000 / theirs:>11.1f} {1000 / ours:>9.1f} {faster:>6.1f}")


if __name__ == "__main__":
    main()
