"""Pictures to enlarge, and the network of the embedded weights in torch."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.tasks.upscale.realesrgan.full import TorchUpscaler
from engine.weights import registry
from tests.ncnn_weights import state_dict

Picture = NDArray[np.uint8]


def badge(side: int) -> Image.Image:
    """A red disc and a blue bar on white, drawn at `side` pixels."""
    large = Image.new("RGB", (4 * side, 4 * side), "white")
    pen = ImageDraw.Draw(large)
    pen.ellipse((side // 2, side // 2, 3 * side, 3 * side), "red")
    pen.rectangle((2 * side, 5 * side // 2, 7 * side // 2, 7 * side // 2), "navy")
    return large.resize((side, side), Image.Resampling.BOX)


def miss(one: Picture, other: Image.Image) -> float:
    """Root of the mean squared difference."""
    return float(np.sqrt(np.mean((one.astype(float) - np.asarray(other, float)) ** 2)))


def quiet(_: float) -> None:
    return None


def noisy(high: int, wide: int) -> Picture:
    """The badge under noise, so that every pixel has something to tell."""
    noise = np.random.default_rng(1).normal(0, 12, (high, wide, 3))
    clean = np.asarray(badge(max(high, wide)), float)[:high, :wide]
    return (clean + noise).clip(0, 255).astype(np.uint8)


def in_torch(name: str, folder: Path) -> TorchUpscaler:
    """The full tier's network with the embedded weights."""
    import torch

    arrays = {key: torch.from_numpy(array) for key, array in state_dict(registry.FOLDER / name).items()}
    torch.save(arrays, folder / f"{name}.pth")
    return TorchUpscaler(folder / f"{name}.pth", name, "cpu")
