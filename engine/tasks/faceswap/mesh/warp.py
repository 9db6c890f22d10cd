"""Warps a face's picture to another face's points: piecewise affine over the Delaunay mesh of the 468 points."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vision.faces.face import Face

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]
Indices = NDArray[np.int32]

SUBPIXEL = 4
"""Fractional bits of the coordinates with which triangles are drawn."""


@dataclass(frozen=True)
class Region:
    """A rectangle of whole pixels inside a picture."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, face: Face, shape: tuple[int, ...], margin: float) -> "Region":
        """Return the face's box with a `margin` of its longer side around it, clipped to a picture of `shape`."""
        left, top, right, bottom = face.box
        more = margin * max(right - left, bottom - top)
        height, width = shape[:2]
        return cls(
            int(np.clip(left - more, 0, width - 1)),
            int(np.clip(top - more, 0, height - 1)),
            int(np.clip(np.ceil(right + more), 1, width)),
            int(np.clip(np.ceil(bottom + more), 1, height)),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Return height and width."""
        return self.bottom - self.top, self.right - self.left

    def of(self, picture: Picture) -> Picture:
        """Return a view of this part of `picture`."""
        return picture[self.top : self.bottom, self.left : self.right]

    def points(self, face: Face) -> Values:
        """Return the face's points (468, 2) relative to this region's corner."""
        return face.points[:, :2] - np.array([self.left, self.top], np.float32)


def triangles(face: Face) -> Indices:
    """Return the Delaunay mesh of the face seen from the front, (N, 3) point numbers."""
    front = _from_the_front(face)
    front = (front - front.min(axis=0)) * np.float32(1000 / np.ptp(front, axis=0).max()) + 1
    divided = cv2.Subdiv2D((0, 0, 1003, 1003))
    numbers: dict[tuple[float, float], int] = {}
    for number, (x, y) in enumerate(front):
        divided.insert((float(x), float(y)))
        numbers[float(np.float32(x)), float(np.float32(y))] = number
    corners = np.asarray(divided.getTriangleList()).reshape(-1, 3, 2)
    found = [[numbers.get((float(x), float(y)), -1) for x, y in triangle] for triangle in corners]
    return np.array([triangle for triangle in found if min(triangle) >= 0], np.int32)


def warp_texture(picture: Picture, points: Values, face: Face, region: Region, mesh: Indices) -> Picture:
    """Warp `picture`, whose face has `points` (468, 2), onto `face`'s points. The result is as large as `region`."""
    here = region.points(face)
    numbers = _triangle_map(here, face.points[:, 2], mesh, region.shape)
    rows, columns = np.mgrid[: region.shape[0], : region.shape[1]].astype(np.float32)
    moves = _moves(here[mesh], points[mesh])
    x, y = (
        moves[:, axis, 0][numbers] * columns + moves[:, axis, 1][numbers] * rows + moves[:, axis, 2][numbers]
        for axis in (0, 1)
    )
    bent: Picture = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return bent


def _from_the_front(face: Face) -> Values:
    """Return the points (468, 2) without the head's rotation."""
    points = face.points - face.points.mean(axis=0)
    across = _unit(points[454] - points[234])
    down = points[152] - points[10]
    down = _unit(down - across * (down @ across))
    return np.stack([points @ across, points @ down], axis=1).astype(np.float32)


def _unit(vector: Values) -> Values:
    return vector / np.linalg.norm(vector)


def _triangle_map(points: Values, depth: Values, mesh: Indices, shape: tuple[int, int]) -> Indices:
    """Return the triangle that covers each pixel (H, W): the nearest one, or the first where there is none."""
    numbers = np.zeros(shape, np.int32)
    corners = np.round(points[mesh] * 2**SUBPIXEL).astype(np.int32)
    for number in np.argsort(-depth[mesh].mean(axis=1)):
        cv2.fillConvexPoly(numbers, corners[number], int(number), shift=SUBPIXEL)
    return numbers


def _moves(here: Values, there: Values) -> Values:
    """Return the affine map (N, 2, 3) from `here` to `there` for each triangle (N, 3, 2). Flat ones stay in place."""
    square = np.concatenate([here, np.ones((*here.shape[:2], 1), np.float32)], axis=2).astype(np.float64)
    flat = np.abs(np.linalg.det(square)) < 1e-3
    square[flat] = np.eye(3)
    moves = np.linalg.solve(square, there.astype(np.float64)).transpose(0, 2, 1)
    return moves.astype(np.float32)
