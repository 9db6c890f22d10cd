"""Detects cuts in a video: frames that differ from the previous one far more than usual."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

THUMBNAIL_PIXELS = (32, 18)
"""Width and height in pixels of the thumbnails that are compared."""
MIN_CHANGE_LEVELS = 12.0
"""Smallest mean difference of two thumbnails at a cut, in levels of 255."""
MIN_CHANGE_RATIO = 3.0
"""Smallest ratio of a cut's change to the usual change, which is large in a shaking camera."""
NEWEST_WEIGHT = 0.2
"""Weight of the newest change in the usual change."""


class CutDetector:
    """Examines one frame after another. A dissolve is not a cut, since it changes little from frame to frame."""

    def __init__(self) -> None:
        self._last: Values | None = None
        self._usual = 0.0

    def is_cut(self, picture: Picture) -> bool:
        """Return whether a new shot begins with `picture`, uint8 (H, W, 3). The very first frame does not count."""
        seen = thumbnail_of(picture, THUMBNAIL_PIXELS)
        last, self._last = self._last, seen
        if last is None:
            return False
        change = difference_of(last, seen)
        if change > max(MIN_CHANGE_LEVELS, MIN_CHANGE_RATIO * self._usual):
            return True
        self._usual += NEWEST_WEIGHT * (change - self._usual)
        return False


def thumbnail_of(picture: Picture, size: tuple[int, int]) -> Values:
    """Return `picture` shrunk to `size`, width and height, as float32."""
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def difference_of(one: Values, other: Values) -> float:
    """Return the mean difference of two thumbnails in levels of 255."""
    return float(np.abs(one - other).mean())
