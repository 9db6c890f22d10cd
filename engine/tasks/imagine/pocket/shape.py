"""Makes wide and tall pictures from the square ones that pocket draws.

At 7:4 with interpolated positions, the network stretches or doubles its one object. So the square picture is kept and
only its background is extended.
"""

from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Shape = Literal["square", "wide", "tall"]

MEDIAN_PIXELS = 15
"""Window in pixels of the median along an edge, which keeps a star there from becoming a streak."""


def widen(picture: Picture, shape: Shape) -> Picture:
    """Extend the edges of a square picture (S, S, 3) to 7:4: its width for "wide", its height for "tall"."""
    if shape == "square":
        return picture
    if shape == "tall":
        return widen(picture.transpose(1, 0, 2), "wide").transpose(1, 0, 2)
    left, right = (np.repeat(_edge(picture[:, at])[:, None], 3 * len(picture) // 8, axis=1) for at in (0, -1))
    return np.concatenate([left, picture, right], axis=1)


def _edge(line: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return each pixel of a row (S, 3) replaced by the median of its neighbours."""
    padded = np.pad(line, ((MEDIAN_PIXELS // 2, MEDIAN_PIXELS // 2), (0, 0)), mode="edge")
    return np.asarray(np.median(sliding_window_view(padded, MEDIAN_PIXELS, axis=0), axis=-1), np.uint8)
