"""Pictures of one tone, grey or sepia: which colour each brightness has there, so that a swapped face gets the same."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

MAX_SPREAD = 2.5
"""Levels, of 255, by which a channel may differ from the tone on average; what JPEG and video add is about 1."""
MAX_TAIL = 10.0
"""Levels that 99 % of the pixels stay within: a little colour, such as lips, is colour."""
SMOOTHING = 6.0
"""Levels of brightness over which the tone is averaged."""
MAX_SIDE = 40
"""Pixels of the longer side at which a picture is looked at: there noise and the blocks of JPEG have averaged out."""
AROUND = 0.5
"""Of a face's longer side: how far around its box the tone is looked for."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in the brightness. Source: ITU-R BT.601."""


@dataclass(frozen=True)
class Tone:
    """`colours` float32 (256, 3): RGB in 0..255 by the brightness of a pixel. Grey has the same in all three."""

    colours: Values

    @classmethod
    def of(cls, picture: Picture) -> "Tone | None":
        """Return the one tone of `picture`, uint8 (H, W, 3) RGB, or None where it has colours."""
        if (picture[..., 0] == picture[..., 1]).all() and (picture[..., 1] == picture[..., 2]).all():
            return cls(np.repeat(np.arange(256, dtype=np.float32)[:, None], 3, axis=1))
        pixels = _sample(picture)
        light = pixels @ LUMA
        tone = cls(_mean_colours(pixels, light))
        away = np.abs(pixels - tone.colours[light.round().astype(int)]).max(axis=1)
        has_colours = float(away.mean()) > MAX_SPREAD or float(np.percentile(away, 99)) > MAX_TAIL
        return None if has_colours else tone

    def apply(self, picture: Picture) -> Picture:
        """Return `picture`, uint8 (..., 3) RGB, in this tone: its brightness stays, its colours go."""
        light = (picture.astype(np.float32) @ LUMA).round().astype(int).clip(0, 255)
        return np.asarray(self.colours[light].round().clip(0, 255), np.uint8)


def keep_tone(before: Picture, after: Picture) -> None:
    """Give what changed in `after`, uint8 (H, W, 3) RGB, the one tone of `before`, in place; colours stay colours."""
    tone = Tone.of(before)
    if tone is None:
        return
    changed = (after != before).any(axis=2)
    after[changed] = tone.apply(after[changed])


def region_around(box: tuple[float, float, float, float], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns of a picture of `shape` that show a face's `box` and what is around it."""
    left, top, right, bottom = box
    more = AROUND * max(right - left, bottom - top)
    rows = slice(max(0, int(top - more)), max(0, min(shape[0], int(bottom + more) + 1)))
    return rows, slice(max(0, int(left - more)), max(0, min(shape[1], int(right + more) + 1)))


def _sample(picture: Picture) -> Values:
    """Return pixels (N, 3), in 0..255, of `picture` shrunk to MAX_SIDE."""
    height, width = picture.shape[:2]
    scale = min(1.0, MAX_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32).reshape(-1, 3)


def _mean_colours(pixels: Values, light: Values) -> Values:
    """Return the mean colour (256, 3) of each brightness, smooth, and from the nearest where there is none.

    `light` (N,) is the brightness of `pixels` (N, 3). A colour has exactly the brightness that it stands for.
    """
    level = light.round().astype(int).clip(0, 255)
    count = np.bincount(level, minlength=256).astype(np.float32)
    tint = pixels - light[:, None]
    total = np.stack([np.bincount(level, tint[:, channel], minlength=256) for channel in range(3)], axis=1)
    weight, summed = (
        np.asarray(cv2.GaussianBlur(each.astype(np.float32), (1, 0), 0, sigmaY=SMOOTHING), np.float32)
        for each in (count.reshape(256, 1), total)
    )
    weight = weight.reshape(256)
    known = weight > 1e-3
    mean = summed[known] / weight[known, None]
    levels = np.arange(256, dtype=np.float32)
    filled = np.stack([np.interp(levels, levels[known], mean[:, channel]) for channel in range(3)], axis=1)
    return np.asarray(levels[:, None] + filled, np.float32)
