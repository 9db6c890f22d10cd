"""Cuts in a video: frames that differ from the one before far more than its frames usually do."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

SIZE = (32, 18)
"""Width and height in pixels of the thumbnails that are compared."""
MIN_CHANGE = 12.0
"""Mean difference of two thumbnails, in levels of 255, below which there is no cut."""
RATIO = 3.0
"""How many times larger than the usual change a cut is; a shaking camera changes much in every frame."""
MEMORY = 0.2
"""Share of the newest change in the usual one."""


class CutDetector:
    """Looks at one frame after the other. A dissolve is no cut: it changes little from frame to frame."""

    def __init__(self) -> None:
        self._last: Values | None = None
        self._usual = 0.0

    def is_cut(self, picture: Picture) -> bool:
        """Tell whether another shot begins with `picture`, uint8 (H, W, 3). The first frame of all begins none."""
        seen = thumbnail_of(picture, SIZE)
        last, self._last = self._last, seen
        if last is None:
            return False
        change = difference_of(last, seen)
        if change > max(MIN_CHANGE, RATIO * self._usual):
            return True
        self._usual += MEMORY * (change - self._usual)
        return False


def thumbnail_of(picture: Picture, size: tuple[int, int]) -> Values:
    """Return `picture` shrunk to `size`, width and height, as float32."""
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def difference_of(one: Values, other: Values) -> float:
    """Return the mean difference of two thumbnails in levels of 255."""
    return float(np.abs(one - other).mean())
