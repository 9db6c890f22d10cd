"""Triangulates a face and maps each pixel of a moved face to its source."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.tasks.animate.mesh.rig import LIDS, Rig
from engine.vision.faces.face import OVAL

Points = NDArray[np.float32]
Map = NDArray[np.float32]

RINGS = ((1.16, 0.6), (1.4, 0.0))
"""Rings of points around the face: distance, and share of the rim's movement."""
SHIFT = 4
"""Fractional bits of OpenCV's drawing coordinates."""


@dataclass(frozen=True)
class Mesh:
    """`points` (N, 2) in pixels: the face's 468 and the rings. `triangles` (M, 3) are ordered back to front."""

    points: Points
    triangles: NDArray[np.int32]

    @classmethod
    def over(cls, rig: Rig) -> "Mesh":
        """Return the mesh over a rig's face."""
        rest = add_rings(rig.face.points[:, :2])
        # Lips and lids that touch have no order. They are taken apart before the triangles are laid, on a face that is
        # turned to the front, so that none of them reaches from one lip over the other.
        apart = _frontal(rig) + rig.jaw * 2.0 + rig.lip_closure * -0.5 - rig.lids * 0.5
        triangles = _delaunay(add_rings(apart.astype(np.float32)))
        depth = np.concatenate([rig.face.points[:, 2], np.full(len(rest) - 468, 1e6, np.float32)])
        far = np.where(_of_lids(triangles), -1e6, depth[triangles].max(axis=1))
        return cls(rest, triangles[np.argsort(-far)])

    def sources(self, moved: Points, window: tuple[int, int, int, int], scale: float) -> Map:
        """Return the source position of each pixel once the points have moved to `moved`, in pixels of the picture.

        The map is float32 (height, width, 2) of the `window`, left, top, right and bottom, at `scale`.
        """
        left, top, right, bottom = window
        labels = np.zeros((bottom - top, right - left), np.int32)
        corners = (moved[self.triangles] + 0.5) * scale - 0.5 - np.array([left, top], np.float32)
        for number, corner in enumerate(np.round(corners * (1 << SHIFT)).astype(np.int32), 1):
            cv2.fillConvexPoly(labels, corner, number, cv2.LINE_8, SHIFT)
        inside = labels > 0
        down, across = np.nonzero(inside)
        places = np.stack([across, down, np.ones_like(down)], axis=1).astype(np.float32)
        ways = self._ways(corners)[labels[inside] - 1]
        found = rest(window, scale)
        found[inside] = np.einsum("nij,nj->ni", ways, places)
        return found

    def _ways(self, corners: Points) -> NDArray[np.float32]:
        """Return an affine map (2, 3) from the map's pixels to the picture's for each triangle, (M, 2, 3)."""
        ones = np.ones((*corners.shape[:2], 1))
        given = np.concatenate([corners, ones], axis=2).astype(np.float64)
        flat = np.abs(np.linalg.det(given)) < 1e-3
        given[flat] = np.eye(3)
        wanted = self.points[self.triangles].astype(np.float64)
        wanted[flat] = wanted[flat].mean(axis=1, keepdims=True)
        ways = np.linalg.solve(given, wanted).transpose(0, 2, 1)
        ways[flat, :, :2] = 0
        ways[flat, :, 2] = wanted[flat, 0]
        return ways.astype(np.float32)


def rest(window: tuple[int, int, int, int], scale: float) -> Map:
    """Return the map of a picture in which nothing moves."""
    left, top, right, bottom = window
    across, down = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32))
    return (np.stack([across, down], axis=2) + np.float32(0.5)) / np.float32(scale) - np.float32(0.5)


def add_rings(points: Points, moves: Points | None = None) -> Points:
    """Return `points` (468, 2) with the rings around them. `moves` are added, less so further out."""
    rim = points[list(OVAL)]
    middle = rim.mean(axis=0)
    rings = [points if moves is None else points + moves]
    for far, part in RINGS:
        ring = middle + (rim - middle) * np.float32(far)
        rings.append(ring if moves is None else ring + np.float32(part) * moves[list(OVAL)])
    return np.concatenate(rings).astype(np.float32)


def _of_lids(triangles: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which triangles are skin of the upper lids, which cover the eye when it shuts."""
    upper = [point for lids in LIDS for point in lids[0]]
    lower = [point for lids in LIDS for point in lids[1]]
    rim = [*upper, *(point for lids in LIDS for point in lids[2])]
    skin = np.isin(triangles, upper).any(axis=1) & ~np.isin(triangles, lower).any(axis=1)
    return np.asarray(skin & ~np.isin(triangles, rim).all(axis=1))


def _frontal(rig: Rig) -> Points:
    """Return the points (468, 2) of the face looking straight ahead."""
    points = rig.face.points - rig.face.points.mean(axis=0)
    across = rig.face.points[454] - rig.face.points[234]
    down = rig.face.points[152] - rig.face.points[10]
    right = across / np.linalg.norm(across)
    down = down - right * (down @ right)
    return np.asarray(points @ np.stack([right, down / np.linalg.norm(down)]).T @ rig.axes + rig.middle, np.float32)


def _delaunay(points: Points) -> NDArray[np.int32]:
    low, high = points.min(axis=0) - 10, points.max(axis=0) + 10
    left, top = (int(value) for value in np.floor(low))
    width, height = (int(value) for value in np.ceil(high - low) + 2)
    plane = cv2.Subdiv2D((left, top, width, height))
    number: dict[tuple[float, float], int] = {}
    for index, (x, y) in enumerate(points):
        key = (float(np.float32(x)), float(np.float32(y)))
        number.setdefault(key, index)
        plane.insert(key)
    found = []
    for corners in np.asarray(plane.getTriangleList()).reshape(-1, 3, 2):
        keys = [(float(x), float(y)) for x, y in corners]
        if all(key in number for key in keys):
            found.append([number[key] for key in keys])
    return np.array(found, np.int32)
