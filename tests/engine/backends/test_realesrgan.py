"""The embedded upscaler."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine import weights
from engine.backends.realesrgan import SCALE, Upscaler
from engine.errors import MissingModel


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler(weights.FOLDER)


def badge(side: int) -> Image.Image:
    """A red disc and a blue bar on white, drawn at `side` pixels."""
    large = Image.new("RGB", (4 * side, 4 * side), "white")
    pen = ImageDraw.Draw(large)
    pen.ellipse((side // 2, side // 2, 3 * side, 3 * side), "red")
    pen.rectangle((2 * side, 5 * side // 2, 7 * side // 2, 7 * side // 2), "navy")
    return large.resize((side, side), Image.Resampling.BOX)


def miss(one: NDArray[np.uint8], other: Image.Image) -> float:
    """Root of the mean squared difference."""
    return float(np.sqrt(np.mean((one.astype(float) - np.asarray(other, float)) ** 2)))


def test_a_picture_comes_back_four_times_as_large_and_the_same(upscaler: Upscaler) -> None:
    small = badge(64)
    large = upscaler.enlarge(np.asarray(small))
    assert large.shape == (256, 256, 3)
    assert large.dtype == np.uint8
    again = Image.fromarray(large).resize((64, 64), Image.Resampling.BOX)
    assert miss(np.asarray(again), small) < 8


def test_it_is_closer_to_the_truth_than_lanczos(upscaler: Upscaler) -> None:
    small, truth = badge(64), badge(256)
    lanczos = np.asarray(small.resize((256, 256), Image.Resampling.LANCZOS))
    assert miss(upscaler.enlarge(np.asarray(small)), truth) < 0.9 * miss(lanczos, truth)


@pytest.mark.parametrize(("high", "wide"), [(128, 224), (1, 1), (5, 33)])
def test_any_height_and_width_will_do(upscaler: Upscaler, high: int, wide: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (high, wide, 3), np.uint8)
    assert upscaler.enlarge(picture).shape == (SCALE * high, SCALE * wide, 3)


def test_the_channels_keep_their_order(upscaler: Upscaler) -> None:
    red = np.full((16, 16, 3), (220, 40, 10), np.uint8)
    assert np.abs(upscaler.enlarge(red).mean((0, 1)) - (220, 40, 10)).max() < 6


def test_without_its_weights_the_person_learns_what_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match="python -m engine weights --fetch realesr-animevideov3"):
        Upscaler(tmp_path)
