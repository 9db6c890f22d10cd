"""Parallax: what is near moves beside what is far, as a smooth bending of the picture without holes, tears or folds.

Each pixel of a frame shows the place of the picture that is seen there once near places have moved: it is found from
the depth by fixed-point iteration, which comes to rest since the depth changes more slowly than the places it moves.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.film.canvas import Planes

Map = NDArray[np.float32]

SHIFT = 0.014
"""How far the nearest moves beside the farthest, in shares of the frame's width, to each side."""
REST = 0.4
"""The depth that does not move."""
STEPS = 2
"""Of the iteration; each leaves less than half of the error."""
SIDE = 320
"""Pixels of a measured depth's longer side: finer edges than its soft ones are of no use."""


def bodied(depth: NDArray[np.uint8]) -> Map:
    """A measured depth (H, W) of 0 to 255 as one that a picture can be bent by, (h, w) of 0 to 1.

    Near bodies are grown a little, so that their borders move with them, and their edges are softened.
    """
    scale = SIDE / max(depth.shape)
    small = cv2.resize(depth.astype(np.float32) / 255, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grown = cv2.dilate(small, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), 4), np.float32)


class Relief:
    """The depth of a canvas of 4:2:0 planes, `canvas` and the frame's `size` in pixels of luma."""

    def __init__(self, depth: Map, canvas: tuple[int, int], size: tuple[int, int]) -> None:
        half = (canvas[0] // 2, canvas[1] // 2)
        self._near = cv2.resize(depth, half, interpolation=cv2.INTER_CUBIC) - np.float32(REST)
        self._size = size
        self._whole = _grid(size)
        self._half = _grid((size[0] // 2, size[1] // 2))

    def bent(
        self, source: Planes, out: Planes, scale: float, corner: tuple[float, float], moved: tuple[float, float]
    ) -> None:
        """`out` shows `source` from `corner` on, each pixel `scale` wide, by an eye that has `moved`, -1 to 1."""
        far = [SHIFT * self._size[0] / 2 * scale * each for each in moved]
        starts = [at / 2 + (scale - 1) / 2 for at in corner]  # pixels are taken at their middles
        near = self._near_at(*_places(self._half, scale, self._half[0], (0, 0), starts))
        x, y = _places(self._half, scale, near, far, starts)
        for _ in range(STEPS):
            near = self._near_at(x, y)
            x, y = _places(self._half, scale, near, far, starts)
        for plane, target in ((source.blue, out.blue), (source.red, out.red)):
            cv2.remap(plane, x, y, cv2.INTER_LINEAR, target, cv2.BORDER_REPLICATE)
        near = np.asarray(cv2.resize(near, self._size, interpolation=cv2.INTER_LINEAR), np.float32)
        starts = [at + (scale - 1) / 2 for at in corner]
        x, y = _places(self._whole, scale, near, [2 * each for each in far], starts)
        cv2.remap(source.luma, x, y, cv2.INTER_LINEAR, out.luma, cv2.BORDER_REPLICATE)

    def _near_at(self, x: Map, y: Map) -> Map:
        return np.asarray(cv2.remap(self._near, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE), np.float32)


def _grid(size: tuple[int, int]) -> tuple[Map, Map]:
    across, down = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    return across, down


def _places(
    grid: tuple[Map, Map], scale: float, near: Map, far: Sequence[float], starts: Sequence[float]
) -> tuple[Map, Map]:
    """Where the pixels of a frame are taken, across and down."""
    across, down = (
        np.asarray(cv2.addWeighted(line, scale, near, -each, start), np.float32)
        for line, each, start in zip(grid, far, starts, strict=True)
    )
    return across, down
