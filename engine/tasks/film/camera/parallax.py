"""Parallax: what is near moves beside what is far, as a smooth bending of the picture without holes, tears or folds.

Each pixel of a frame shows the place of the picture that is seen there once near places have moved: it is found from
the depth by fixed-point iteration, which comes to rest since the depth changes more slowly than the places it moves.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.tasks.film.camera.canvas import Planes

Map = NDArray[np.float32]

SHIFT = 0.014
"""How far the nearest moves beside the farthest, in shares of the frame's width, to each side."""
REST = 0.4
"""The depth that does not move."""
STEPS = 2
"""Of the iteration; each leaves less than half of the error."""
COARSE = 4
"""Pixels of luma, across and down, for which the place is found once: the depth changes slowly between them."""
SIDE = 320
"""Pixels of a measured depth's longer side: finer edges than its soft ones are of no use."""


def smooth_depth(depth: NDArray[np.uint8]) -> Map:
    """A measured depth (H, W) of 0 to 255 as one that a picture can be bent by, (h, w) of 0 to 1.

    Near bodies are grown a little, so that their borders move with them, and their edges are softened.
    """
    scale = SIDE / max(depth.shape)
    small = cv2.resize(depth.astype(np.float32) / 255, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grown = cv2.dilate(small, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), 4), np.float32)


class DepthWarp:
    """Bends the canvas `source`, whose parts are as near as `depth` says, to frames of `size` in pixels of luma."""

    def __init__(self, depth: Map, source: Planes, size: tuple[int, int]) -> None:
        half = (source.size[0] // 2, source.size[1] // 2)
        self._near = cv2.resize(depth, half, interpolation=cv2.INTER_CUBIC) - np.float32(REST)
        self._source = source
        self._width = size[0]
        self._grid = _grid(size)
        self._luma, self._chroma = _Places(COARSE), _Places(COARSE // 2)

    def warp(self, out: Planes, scale: float, corner: tuple[float, float], moved: tuple[float, float]) -> None:
        """`out` shows the canvas from `corner` on, each pixel `scale` wide, by an eye that has `moved`, -1 to 1."""
        far = [SHIFT * self._width / 2 * scale * each for each in moved]
        starts = [at / 2 + (scale - 1) / 2 for at in corner]  # pixels are taken at their middles
        places = self._found(scale, far, starts)
        across, down = self._chroma.upsample(places, out.blue.shape)
        for plane, target in ((self._source.blue, out.blue), (self._source.red, out.red)):
            cv2.remap(plane, across, down, cv2.INTER_LINEAR, target, cv2.BORDER_REPLICATE)
        across, down = self._luma.upsample([2 * each + np.float32(0.5) for each in places], out.luma.shape)
        cv2.remap(self._source.luma, across, down, cv2.INTER_LINEAR, out.luma, cv2.BORDER_REPLICATE)

    def _found(self, scale: float, far: Sequence[float], starts: Sequence[float]) -> list[Map]:
        """Across and down, the places of the chroma that are seen at each place of the coarse grid."""
        places = [scale * line + np.float32(start) for line, start in zip(self._grid, starts, strict=True)]
        for _ in range(STEPS + 1):
            near = cv2.remap(self._near, places[0], places[1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
            places = [
                np.asarray(cv2.addWeighted(line, scale, near, -each, start), np.float32)
                for line, each, start in zip(self._grid, far, starts, strict=True)
            ]
        return places


class _Places:
    """Of each pixel of a plane, from a grid `times` as coarse and one wider all around.

    A frame's are written over the last one's: new memory takes longer than the sums.
    """

    def __init__(self, times: int) -> None:
        self._times = times
        self._held: list[Map | None] = [None, None]

    def upsample(self, places: Sequence[Map], shape: Sequence[int]) -> list[Map]:
        size = (places[0].shape[1] * self._times, places[0].shape[0] * self._times)
        pairs = zip(places, self._held, strict=True)
        grown = [cv2.resize(each, size, held, interpolation=cv2.INTER_LINEAR) for each, held in pairs]
        self._held = [np.asarray(each, np.float32) for each in grown]
        first = self._times
        return [np.asarray(each[first : first + shape[0], first : first + shape[1]], np.float32) for each in grown]


def _grid(size: tuple[int, int]) -> list[Map]:
    """Across and down, where every COARSE-th pixel of a frame of `size` is in its chroma, one more all around."""
    lines = [(np.arange(-1, -(-side // COARSE) + 1, dtype=np.float32) + 0.5) * (COARSE // 2) - 0.5 for side in size]
    return [np.asarray(each, np.float32) for each in np.meshgrid(*lines)]
