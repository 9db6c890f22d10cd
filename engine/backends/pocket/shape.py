"""Wide and tall pictures from the square ones that pocket draws."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Shape = Literal["square", "wide", "tall"]


def widen(picture: Picture, shape: Shape) -> Picture:
    """Continue the edges of a square picture (S, S, 3) to 7:4, along its width for "wide" and its height for "tall"."""
    if shape == "square":
        return picture
    side = 3 * len(picture) // 8
    across = (0, 0), (side, side)
    return np.pad(picture, (*(across if shape == "wide" else across[::-1]), (0, 0)), mode="edge")
