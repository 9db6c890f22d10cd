"""Wide and tall pictures from the square ones that pocket draws.

Drawn at 7:4 with its positions interpolated, the network stretches or doubles its one object; so the square picture is
kept and its background goes on.
"""

from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Shape = Literal["square", "wide", "tall"]

MEDIAN_PIXELS = 15
"""Pixels over which the median of an edge is taken, so that a star there does not become a streak."""


def widen(picture: Picture, shape: Shape) -> Picture:
    """Continue the edges of a square picture (S, S, 3) to 7:4, along its width for "wide" and its height for "tall"."""
    if shape == "square":
        return picture
    if shape == "tall":
        return widen(picture.transpose(1, 0, 2), "wide").transpose(1, 0, 2)
    left, right = (np.repeat(_edge(picture[:, at])[:, None], 3 * len(picture) // 8, axis=1) for at in (0, -1))
    return np.concatenate([left, picture, right], axis=1)


def _edge(line: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(S, 3) -> (S, 3), each the median of its neighbours."""
    padded = np.pad(line, ((MEDIAN_PIXELS // 2, MEDIAN_PIXELS // 2), (0, 0)), mode="edge")
    return np.asarray(np.median(sliding_window_view(padded, MEDIAN_PIXELS, axis=0), axis=-1), np.uint8)
