"""Parallax: near parts move against far parts, by a smooth warp of the picture without holes, tears or folds.

Each pixel of a frame looks up the place of the picture that is visible there. Fixed-point iteration finds it from the
depth; it converges because the depth changes more slowly than the positions it moves.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.tasks.film.camera.canvas import Planes

Map = NDArray[np.float32]

MAX_SHIFT = 0.014
"""How far the nearest part moves relative to the farthest, to each side, as a fraction of the frame's width."""
STILL_DEPTH = 0.4
"""The depth that does not move."""
ITERATIONS = 2
"""Steps of the iteration. Each leaves less than half of the error."""
GRID_PIXELS = 4
"""Spacing of the grid on which positions are computed, in luma pixels. The depth changes slowly in between."""
DEPTH_SIDE_PIXELS = 320
"""Longer side of a measured depth map, in pixels. Its edges are soft, so more is of no use."""


def smooth_depth(depth: NDArray[np.uint8]) -> Map:
    """Convert a measured depth map (H, W) in 0..255 to one that is suitable for warping, (h, w) in 0..1.

    Near objects grow a little, so that their borders move with them, and their edges are softened.
    """
    scale = DEPTH_SIDE_PIXELS / max(depth.shape)
    small = cv2.resize(depth.astype(np.float32) / 255, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grown = cv2.dilate(small, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), 4), np.float32)


class DepthWarp:
    """Warps the canvas `source` with the depth map `depth` to frames of `size`, in luma pixels."""

    def __init__(self, depth: Map, source: Planes, size: tuple[int, int]) -> None:
        half = (source.size[0] // 2, source.size[1] // 2)
        self._near = cv2.resize(depth, half, interpolation=cv2.INTER_CUBIC) - np.float32(STILL_DEPTH)
        self._source = source
        self._width = size[0]
        self._grid = _make_grid(size)
        self._luma, self._chroma = _CoordinateUpsampler(GRID_PIXELS), _CoordinateUpsampler(GRID_PIXELS // 2)

    def warp(self, out: Planes, scale: float, corner: tuple[float, float], moved: tuple[float, float]) -> None:
        """Fill `out` with the canvas from `corner` on, with `scale` source pixels per pixel, seen from
        `moved`, -1..1.
        """
        far = [MAX_SHIFT * self._width / 2 * scale * each for each in moved]
        starts = [at / 2 + (scale - 1) / 2 for at in corner]  # samples are at pixel centres
        places = self._solve(scale, far, starts)
        across, down = self._chroma.upsample(places, out.blue.shape)
        for plane, target in ((self._source.blue, out.blue), (self._source.red, out.red)):
            cv2.remap(plane, across, down, cv2.INTER_LINEAR, target, cv2.BORDER_REPLICATE)
        across, down = self._luma.upsample([2 * each + np.float32(0.5) for each in places], out.luma.shape)
        cv2.remap(self._source.luma, across, down, cv2.INTER_LINEAR, out.luma, cv2.BORDER_REPLICATE)

    def _solve(self, scale: float, far: Sequence[float], starts: Sequence[float]) -> list[Map]:
        """Return the horizontal and vertical chroma positions visible at each point of the grid."""
        places = [scale * line + np.float32(start) for line, start in zip(self._grid, starts, strict=True)]
        for _ in range(ITERATIONS + 1):
            near = cv2.remap(self._near, places[0], places[1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
            places = [
                np.asarray(cv2.addWeighted(line, scale, near, -each, start), np.float32)
                for line, each, start in zip(self._grid, far, starts, strict=True)
            ]
        return places


class _CoordinateUpsampler:
    """Interpolates positions from a grid that is `times` as coarse, with a border of one point, to every pixel of a
    plane.

    The buffers are reused, since allocating memory takes longer than the interpolation.
    """

    def __init__(self, times: int) -> None:
        self._times = times
        self._buffers: list[Map | None] = [None, None]

    def upsample(self, places: Sequence[Map], shape: Sequence[int]) -> list[Map]:
        """Return the positions for each pixel of a plane of `shape`, height and width."""
        size = (places[0].shape[1] * self._times, places[0].shape[0] * self._times)
        pairs = zip(places, self._buffers, strict=True)
        grown = [cv2.resize(each, size, held, interpolation=cv2.INTER_LINEAR) for each, held in pairs]
        self._buffers = [np.asarray(each, np.float32) for each in grown]
        first = self._times
        return [np.asarray(each[first : first + shape[0], first : first + shape[1]], np.float32) for each in grown]


def _make_grid(size: tuple[int, int]) -> list[Map]:
    """Return the horizontal and vertical chroma positions of every GRID_PIXELS-th pixel, with a border of one point."""
    lines = [
        (np.arange(-1, -(-side // GRID_PIXELS) + 1, dtype=np.float32) + 0.5) * (GRID_PIXELS // 2) - 0.5 for side in size
    ]
    return [np.asarray(each, np.float32) for each in np.meshgrid(*lines)]
