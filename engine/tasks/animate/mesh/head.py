"""Turns and sways the head: each pixel around it moves by how near it is to the head."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.tasks.animate.mesh.rig import Rig
from engine.tasks.animate.mesh.triangulation import Mesh, rest

Map = NDArray[np.float32]

HAIR = 0.62
"""Radius of the head around the middle of the face, as a share of the face's height."""


@dataclass(frozen=True)
class Head:
    """`fields` (5, H, W, 2) holds the movement in pixels per degree of yaw, pitch and roll, and per pixel of shift."""

    fields: Map
    still: Map

    @classmethod
    def of(cls, rig: Rig, mesh: Mesh, size: tuple[int, int], scale: float, *, shoulders: bool) -> "Head":
        """Return the head of `rig`. `shoulders` keeps everything below the chin still."""
        grid = rest((0, 0, *size), scale)
        weight = _weight(rig, grid) if shoulders else _edges(size)
        depth = _depth(rig, mesh, size, scale)
        pivot = rig.middle + rig.axes[1] * rig.height * 0.45
        own = (grid - pivot) @ rig.axes.T
        degree = np.float32(np.pi / 180)
        zero = np.zeros_like(depth)
        turned = np.stack(
            [
                np.stack([-depth * degree, zero], axis=2),
                np.stack([zero, -depth * degree], axis=2),
                np.stack([-own[..., 1] * degree, own[..., 0] * degree], axis=2),
                np.stack([zero + 1, zero], axis=2),
                np.stack([zero, zero + 1], axis=2),
            ]
        )
        return cls((turned @ rig.axes * weight[..., None]).astype(np.float32), grid)

    def sources(self, yaw: float, pitch: float, roll: float, across: float, down: float) -> Map:
        """Return the source position of each pixel. Angles are in degrees, shifts in pixels."""
        sources = self.still.copy()
        for amount, field in zip((yaw, pitch, roll, across, down), self.fields, strict=True):
            cv2.scaleAdd(field, -amount, sources, sources)
        return sources


def _weight(rig: Rig, grid: Map) -> NDArray[np.float32]:
    """Return 1 on the head, 0 on shoulders and background, and a soft transition."""
    middle = rig.middle - rig.axes[1] * rig.height * 0.42
    own = (grid - middle) @ rig.axes.T / np.float32(rig.height)
    down = np.where(own[..., 1] > 0, own[..., 1] / 0.62, own[..., 1] / 0.72)
    far = np.hypot(own[..., 0] / HAIR, down)
    return 1 - _step(far, 0.82, 1.75)


def _edges(size: tuple[int, int]) -> NDArray[np.float32]:
    """Return 1 everywhere but at the region's edges, which stay in place."""
    width, height = size
    across = np.minimum(np.arange(width), np.arange(width)[::-1]) / (0.15 * width)
    down = np.minimum(np.arange(height), np.arange(height)[::-1]) / (0.15 * height)
    return _step(np.minimum(across[None, :], down[:, None]), 0, 1)


def _depth(rig: Rig, mesh: Mesh, size: tuple[int, int], scale: float) -> NDArray[np.float32]:
    """Return each position's distance in pixels behind the plane of the ears, negative towards the viewer."""
    width, height = size
    points = rig.face.points
    depth = points[:, 2] - points[[234, 454], 2].mean()
    drawn = np.zeros((height, width), np.float32)
    corners = np.round((mesh.points[mesh.triangles] * scale) * 16).astype(np.int32)
    for corner, triangle in zip(corners, mesh.triangles, strict=True):
        if (triangle < 468).all():
            cv2.fillConvexPoly(drawn, corner, float(depth[triangle].mean()), cv2.LINE_8, 4)
    width_of_blur = max(1.0, 0.05 * rig.height * scale)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), width_of_blur), np.float32)


def _step(value: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    part = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part), np.float32)
