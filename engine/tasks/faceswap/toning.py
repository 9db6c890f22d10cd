"""Tones a swapped face like its picture: the colour of each brightness in a grey or sepia picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

MAX_SPREAD = 2.5
"""Largest mean difference of a channel from the tone, in levels of 255; JPEG and video add about 1."""
MAX_TAIL = 10.0
"""Levels within which 99 % of the pixels stay. More is colour, such as lips."""
SMOOTHING = 6.0
"""Levels of brightness over which the tone is averaged."""
MAX_SIDE = 40
"""Longer side in pixels at which a picture is examined, small enough to average out noise and JPEG blocks."""
AROUND = 0.5
"""Margin around a face's box in which the tone is sought, as a share of its longer side."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in the brightness. Source: ITU-R BT.601."""


@dataclass(frozen=True)
class Tone:
    """`colours` float32 (256, 3): RGB in 0..255 by the brightness of a pixel. In grey all three are equal."""

    colours: Values

    @classmethod
    def of(cls, picture: Picture) -> "Tone | None":
        """Return the single tone of `picture`, uint8 (H, W, 3) RGB, or None if it has colours."""
        if (picture[..., 0] == picture[..., 1]).all() and (picture[..., 1] == picture[..., 2]).all():
            return cls(np.repeat(np.arange(256, dtype=np.float32)[:, None], 3, axis=1))
        pixels = _sample(picture)
        light = pixels @ LUMA
        tone = cls(_mean_colours(pixels, light))
        away = np.abs(pixels - tone.colours[light.round().astype(int)]).max(axis=1)
        has_colours = float(away.mean()) > MAX_SPREAD or float(np.percentile(away, 99)) > MAX_TAIL
        return None if has_colours else tone

    def apply(self, picture: Picture) -> Picture:
        """Return `picture`, uint8 (..., 3) RGB, in this tone. Its brightness stays."""
        light = (picture.astype(np.float32) @ LUMA).round().astype(int).clip(0, 255)
        return np.asarray(self.colours[light].round().clip(0, 255), np.uint8)


def keep_tone(before: Picture, after: Picture) -> None:
    """Give the changed pixels of `after`, uint8 (H, W, 3) RGB, the tone of `before`, in place. Do nothing if that has
    colours.
    """
    tone = Tone.of(before)
    if tone is None:
        return
    changed = (after != before).any(axis=2)
    after[changed] = tone.apply(after[changed])


def region_around(box: tuple[float, float, float, float], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns of a picture of `shape` that show a face's `box` and its surroundings."""
    left, top, right, bottom = box
    more = AROUND * max(right - left, bottom - top)
    rows = slice(max(0, int(top - more)), max(0, min(shape[0], int(bottom + more) + 1)))
    return rows, slice(max(0, int(left - more)), max(0, min(shape[1], int(right + more) + 1)))


def _sample(picture: Picture) -> Values:
    """Return pixels (N, 3) in 0..255 of `picture` shrunk to MAX_SIDE."""
    height, width = picture.shape[:2]
    scale = min(1.0, MAX_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32).reshape(-1, 3)


def _mean_colours(pixels: Values, light: Values) -> Values:
    """Return the smoothed mean colour (256, 3) of each brightness, taken from the nearest one where there is none.

    `light` (N,) is the brightness of `pixels` (N, 3). Each colour has exactly the brightness of its index.
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
