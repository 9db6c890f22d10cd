"""Measure a face by its 468 landmarks."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
"""Landmarks around the person's right eye, which is on the left of the picture. The other outlines are in order too."""
LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
MOUTH = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
"""The inner outline of the lips."""
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The outline of the face, clockwise in the picture from the middle of the forehead."""


@dataclass(frozen=True)
class Face:
    """A face with its landmarks.

    `points` are float32 (468, 3) in pixels: x to the right, y down, and z away from the viewer, in the order of
    MediaPipe's face mesh. `score`, 0 to 1, is the networks' confidence that this is a face.
    """

    points: Points
    score: float

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """Return the left, top, right and bottom of the points in pixels. They may lie outside the picture."""
        low, high = self.points[:, :2].min(axis=0), self.points[:, :2].max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @property
    def marks(self) -> Points:
        """Return the points (468, 3), which are smoothed from frame to frame."""
        return self.points

    def with_marks(self, marks: Points) -> "Face":
        """Return the face with other marks (468, 3)."""
        return Face(marks, self.score)

    def share_outside(self, shape: tuple[int, ...]) -> float:
        """Return the share of the points, 0 to 1, that lie outside a picture of `shape` (H, W, ...)."""
        flat, sides = self.points[:, :2], np.array([shape[1], shape[0]])
        return float(((flat < 0) | (flat >= sides)).any(axis=1).mean())

    @property
    def area(self) -> float:
        """Return the area of the box in square pixels."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)

    @cached_property
    def eyes(self) -> Points:
        """Return the centres of the eyes (2, 2): the person's right eye first, which is on the left if upright."""
        flat = self.points[:, :2]
        return np.stack([flat[list(RIGHT_EYE)].mean(axis=0), flat[list(LEFT_EYE)].mean(axis=0)])

    @cached_property
    def roll(self) -> float:
        """Return the clockwise rotation of the line between the eyes in radians, from -pi to pi."""
        across = self.eyes[1] - self.eyes[0]
        return float(np.arctan2(across[1], across[0]))

    @cached_property
    def width(self) -> float:
        """Return the width of the face in pixels, measured along the line between the eyes."""
        along = self.points[:, :2] @ np.array([np.cos(self.roll), np.sin(self.roll)], np.float32)
        return float(np.ptp(along))

    @cached_property
    def yaw(self) -> float:
        """Return the yaw in degrees: positive if an upright face looks to the right, a profile beyond about 50."""
        left, right = self.points[234], self.points[454]
        across = right - left
        return float(np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1]))))

    @cached_property
    def mouth_opening(self) -> float:
        """Return the height of the gap between the lips, relative to the height of the face from brow to chin."""
        flat = self.points[:, :2]
        gap = np.linalg.norm(flat[[82, 13, 312]] - flat[[87, 14, 317]], axis=1).mean()
        return float(gap / max(1e-6, np.linalg.norm(flat[10] - flat[152])))

    @cached_property
    def eye_opening(self) -> tuple[float, float]:
        """Return height divided by width of the eye on the left of the picture, and of the one on the right."""
        flat = self.points[:, :2]

        def opening(corners: tuple[int, int], lids: tuple[int, int]) -> float:
            high, wide = (float(np.linalg.norm(flat[a] - flat[b])) for a, b in (lids, corners))
            return high / max(1e-6, wide)

        return opening((33, 133), (159, 145)), opening((263, 362), (386, 374))

    def shift_by(self, x: float, y: float) -> "Face":
        """Return the face with its points moved by `x` and `y` pixels."""
        return Face(self.points + np.array([x, y, 0], np.float32), self.score)
