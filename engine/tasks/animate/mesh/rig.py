"""The rig: how each point of a face moves with the jaw, lips, lids and brows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.vision.faces.face import Face

Points = NDArray[np.float32]

UPPER_LIP = (
    *(185, 40, 39, 37, 0, 267, 269, 270, 409, 184, 74, 73, 72, 11, 302, 303, 304, 408),
    *(183, 42, 41, 38, 12, 268, 271, 272, 407, 191, 80, 81, 82, 13, 312, 311, 310, 415),
)
LOWER_LIP = (
    *(146, 91, 181, 84, 17, 314, 405, 321, 375, 77, 90, 180, 85, 16, 315, 404, 320, 307),
    *(96, 89, 179, 86, 15, 316, 403, 319, 325, 95, 88, 178, 87, 14, 317, 402, 318, 324),
)
CORNERS = (61, 76, 62, 78, 291, 306, 292, 308)
INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LIDS = (
    ((246, 161, 160, 159, 158, 157, 173), (7, 163, 144, 145, 153, 154, 155), (33, 133)),
    ((466, 388, 387, 386, 385, 384, 398), (249, 390, 373, 374, 380, 381, 382), (263, 362)),
)
"""For each eye, the rims of the upper and lower lid and the corners."""
BROWS = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285)

DROP = 0.105
"""Drop of a wide-open jaw as a share of the face's height."""
APART = 0.012
"""Distance as a share of the face's height below which lips count as shut."""
OVERLAP = 0.08
"""How far a shut lid covers the lower one, as a share of the eye's opening."""
RIM = 0.11
"""How far the white of an eye extends beyond the network's rim, as a share of the eye's opening."""


@dataclass(frozen=True)
class Rig:
    """Displacements (468, 2) in pixels for one unit of each movement. `lip_closure` shuts the picture's lips."""

    face: Face

    @classmethod
    def of(cls, face: Face) -> "Rig":
        """Return the rig of a face. The rims of its eyes are moved outwards a little, so that lids show no white."""
        points = face.points.copy()
        down = cls(face).axes[1]
        for upper, lower, _ in LIDS:
            opening = ((points[list(lower), :2] - points[list(upper), :2]) @ down).max()
            points[list(upper), :2] -= np.float32(RIM * opening) * down
            points[list(lower), :2] += np.float32(RIM * opening) * down
        return cls(Face(points, face.score))

    @cached_property
    def axes(self) -> Points:
        """Return the face's unit vectors right and down, (2, 2)."""
        cosine, sine = np.cos(self.face.roll), np.sin(self.face.roll)
        return np.array([[cosine, sine], [-sine, cosine]], np.float32)

    @cached_property
    def height(self) -> float:
        """Return the pixels from the top of the forehead to the chin."""
        return float(np.linalg.norm(self.face.points[10, :2] - self.face.points[152, :2]))

    @cached_property
    def middle(self) -> Points:
        """Return the middle of the mouth."""
        return np.asarray(self.face.points[[78, 308], :2].mean(axis=0))

    @cached_property
    def local_points(self) -> Points:
        """Return the points along the face's axes from the middle of the mouth, as shares of its height."""
        return np.asarray((self.face.points[:, :2] - self.middle) @ self.axes.T / self.height, np.float32)

    @cached_property
    def half_mouth(self) -> float:
        """Return half the width of the mouth as a share of the face's height."""
        return max(0.05, abs(float(self.local_points[61, 0] - self.local_points[291, 0])) / 2)

    @cached_property
    def weight(self) -> Points:
        """Return each point's share of the jaw's drop, (468,)."""
        across, down = (
            np.abs(self.local_points[:, 0]),
            self.local_points[:, 1] - self._lip_line(self.local_points[:, 0]),
        )
        half, side = self.half_mouth, float(np.abs(self.local_points[:, 0]).max())
        below = (down > 0).astype(np.float32)
        beside = _step(down, -0.1, 0.25) * (1 - 0.8 * _step(across, half, side))
        part = _step(across, 0.7 * half, 1.5 * half)
        weight = below * (1 - part) * (1 - 0.25 * np.minimum(1, across / half) ** 2) + beside * part
        place = np.minimum(1, across / half)
        weight[list(LOWER_LIP)] = 1 - 0.67 * place[list(LOWER_LIP)] ** 1.7
        weight[list(UPPER_LIP)] = -0.1 * (1 - place[list(UPPER_LIP)] ** 2) + 0.33 * place[list(UPPER_LIP)] ** 3
        weight[list(CORNERS)] = 0.33
        return weight.astype(np.float32)

    @cached_property
    def jaw(self) -> Points:
        """Return the displacement of a wide-open mouth, whose corners come a little closer."""
        near = self._near_mouth
        across = -0.12 * self.local_points[:, 0] * near
        return self._pixels(across, DROP * self.weight)

    @cached_property
    def spread(self) -> Points:
        """Return the displacement of spread lips; its negative rounds them."""
        return self._pixels(
            0.16 * self.local_points[:, 0] * self._near_mouth,
            -0.02 * self._near_mouth * np.abs(self.local_points[:, 0]),
        )

    @cached_property
    def lip_closure(self) -> Points:
        """Return the displacement that closes lips that are apart in the picture."""
        gap = self._gap(self.local_points[:, 0])
        moved = -0.62 * gap * np.clip(self.weight, 0, 1)
        upper = list(UPPER_LIP)
        moved[upper] = 0.38 * gap[upper]
        above = _step(self.local_points[:, 1], -0.16, -0.03) * self._near_mouth * (self.weight <= 0)
        above[upper] = 0
        return self._pixels(0 * moved, moved + 0.38 * gap * above)

    @cached_property
    def lids(self) -> Points:
        """Return the displacement that shuts both eyes. The skin above follows the upper lid, less so further up."""
        moved = np.zeros(len(self.local_points), np.float32)
        for upper, lower, corners in LIDS:
            moved += self._lid(list(upper), list(lower), list(corners))
        return self._pixels(0 * moved, moved)

    @cached_property
    def brows(self) -> Points:
        """Return the displacement of raised brows."""
        nearest = np.linalg.norm(self.local_points[:, None] - self.local_points[None, list(BROWS)], axis=2).min(axis=1)
        return self._pixels(0 * nearest, -0.018 * np.exp(-((nearest / 0.07) ** 2)) * (self.local_points[:, 1] < -0.3))

    def _lid(self, upper: list[int], lower: list[int], corners: list[int]) -> Points:
        own, rim = self.local_points, [*upper, *corners]
        over, under = _curve(own[rim]), _curve(own[[*lower, *corners]])
        middle, width = float(own[corners, 0].mean()), abs(float(own[corners[0], 0] - own[corners[1], 0]))
        place = np.abs(own[:, 0] - middle) / (width / 2)
        opening = np.maximum(0, np.polyval(under, own[:, 0]) - np.polyval(over, own[:, 0]))
        down = opening + OVERLAP * opening[upper].max() * np.clip(1 - place**4, 0, 1)
        above = np.maximum(0, np.polyval(over, own[:, 0]) - own[:, 1])
        higher = own[:, 1] < np.polyval(over, own[:, 0]) + 0.01
        moved = down * np.exp(-((above / (0.3 * width)) ** 2)) * higher * (1 - _step(place, 0.9, 1.25))
        moved[upper] = np.maximum(0, (np.polyval(over, own[:, 0]) + down - own[:, 1])[upper])
        moved[lower] = np.polyval(under, own[lower, 0]) - own[lower, 1]
        moved[corners] = 0
        return np.asarray(moved, np.float32)

    @cached_property
    def _near_mouth(self) -> Points:
        far = np.hypot(
            self.local_points[:, 0] / (2.2 * self.half_mouth), self.local_points[:, 1] / (2.4 * self.half_mouth)
        )
        return np.asarray(1 - _step(far, 0.35, 1.0), np.float32)

    def _lip_line(self, across: Points) -> Points:
        """Return the height at which the lips meet at each position across."""
        upper, lower = self.local_points[list(INNER_UPPER)], self.local_points[list(INNER_LOWER)]
        line = (upper + lower) / 2
        order = np.argsort(line[:, 0])
        return np.asarray(np.interp(across, line[order, 0], line[order, 1]), np.float32)

    def _gap(self, across: Points) -> Points:
        """Return the distance of the picture's lips at each position across."""
        upper, lower = self.local_points[list(INNER_UPPER)], self.local_points[list(INNER_LOWER)]
        order = np.argsort(upper[:, 0])
        apart = np.interp(across, upper[order, 0], (lower - upper)[order, 1], left=0, right=0)
        return np.asarray(np.maximum(0, apart - APART * (apart < 2 * APART)), np.float32)

    def _pixels(self, across: Points, down: Points) -> Points:
        own = np.stack([across, down], axis=1) * self.height
        return np.asarray(own @ self.axes, np.float32)


def _curve(points: Points) -> Points:
    """Return the parabola through a rim, as np.polyval takes it. It is steadier than the points."""
    return np.asarray(np.polyfit(points[:, 0], points[:, 1], 2), np.float32)


def _step(value: Points, low: float, high: float) -> Points:
    part = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part), np.float32)
