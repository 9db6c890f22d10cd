"""Draws the inside of an open mouth: darkness, upper teeth that stay with the skull, lower teeth with the jaw."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.tasks.animate.mesh.rig import INNER_LOWER, INNER_UPPER, Rig

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

TOOTH = 0.030
"""Visible height of the upper teeth as a share of the face's height."""
WIDE = 0.88
"""Width of the teeth as a share of the mouth's."""
SHOWN = 0.02
"""Opening from which the picture itself shows the inside of the mouth."""
SHIFT = 4
"""Fractional bits of OpenCV's drawing coordinates."""


@dataclass(frozen=True)
class Mouth:
    """Layers at `corner` (x, y) of the region.

    `fixed` and `lower` are (H, W, 3); `cover` (H, W) is the mask of the lower layer, which moves with the jaw, and
    `front` (H, W) is where the fixed layer hides it.
    """

    rig: Rig
    fixed: Values
    front: Values
    lower: Values
    cover: Values
    corner: tuple[int, int]

    @classmethod
    def of(cls, picture: Picture, rig: Rig) -> "Mouth":
        """Return the inside of the mouth of the face in `picture`, the region in which the rig's points lie."""
        left, top, right, bottom = _window(rig, picture.shape)
        down, across = np.mgrid[top:bottom, left:right].astype(np.float32)
        own = (np.stack([across, down], axis=2) - rig.middle) @ rig.axes.T / np.float32(rig.height)
        colours = _Colours.of(picture, rig)
        fixed, front, lower, cover = _paint_layers(own, rig, colours)
        shown = _visible_inside(picture[top:bottom, left:right], rig, (left, top))
        if shown is not None:
            fixed = fixed * (1 - shown[..., None]) + picture[top:bottom, left:right] * shown[..., None]
            front = np.maximum(front, shown)
        return cls(rig, fixed.astype(np.float32), front, lower, cover, (left, top))

    def paint(self, picture: Picture, moved: Values, jaw: float) -> None:
        """Fill the opening between the moved inner lips in `picture`, in place. `moved` are points of the region."""
        mask = self._opening(moved)
        if mask is None:
            return
        height, width = mask.shape
        left, top = self.corner
        drop = self.rig.jaw[[14, 17]].mean(axis=0) * jaw
        way = np.array([[1, 0, drop[0]], [0, 1, drop[1]]], np.float32)
        lower = cv2.warpAffine(self.lower, way, (width, height), borderMode=cv2.BORDER_REPLICATE)
        cover = (cv2.warpAffine(self.cover, way, (width, height)) * (1 - self.front))[..., None]
        filled = self.fixed * (1 - cover) + lower * cover
        spot = picture[top : top + height, left : left + width]
        spot[:] = (spot * (1 - mask[..., None]) + filled * mask[..., None] + 0.5).astype(np.uint8)

    def _opening(self, moved: Values) -> Values | None:
        upper, lower = moved[list(INNER_UPPER)], moved[list(INNER_LOWER)]
        gap = (lower - upper) @ self.rig.axes[1]
        if float(gap.max()) < 0.4:
            return None
        lower = lower + np.maximum(0, -gap)[:, None] * self.rig.axes[1]
        outline = np.concatenate([upper, lower[::-1]]) - np.array(self.corner, np.float32)
        mask = np.zeros(self.cover.shape, np.uint8)
        cv2.fillPoly(mask, [np.round(outline * (1 << SHIFT)).astype(np.int32)], 255, cv2.LINE_AA, SHIFT)
        soft = max(0.5, 0.004 * self.rig.height)
        return np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.float32) / np.float32(255)


@dataclass(frozen=True)
class _Colours:
    dark: Values
    tongue: Values
    teeth: Values

    @classmethod
    def of(cls, picture: Picture, rig: Rig) -> "_Colours":
        """Return colours that match the light on the cheeks, grey in a grey picture."""
        skin = _mean(picture, rig, (50, 280, 205, 425, 101, 330))
        light, tint = _light(skin), skin / max(_light(skin), 1.0)
        colourful = float(np.clip(4 * np.std(tint), 0, 1))
        red = 1 + colourful * (tint * np.array([1.45, 0.62, 0.62], np.float32) - 1)
        teeth = np.clip(0.95 * light * (0.8 + 0.2 * tint), 25, 225)
        return cls(0.07 * light * red, 0.34 * light * red, teeth.astype(np.float32))


def _light(colour: Values) -> float:
    return float(colour @ np.array([0.299, 0.587, 0.114], np.float32))


def _mean(picture: Picture, rig: Rig, points: tuple[int, ...]) -> Values:
    height, width = picture.shape[:2]
    reach = max(1, int(0.012 * rig.height))
    spots = []
    for x, y in rig.face.points[list(points), :2]:
        column, row = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
        spot = picture[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
        spots.append(spot.reshape(-1, 3).mean(axis=0))
    return np.median(np.array(spots, np.float32), axis=0)


def _window(rig: Rig, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what an open mouth may show."""
    reach = rig.height * max(0.3, 1.6 * rig.half_mouth)
    left, top = (int(max(0, value - reach)) for value in rig.middle)
    right = int(min(shape[1], rig.middle[0] + reach))
    bottom = int(min(shape[0], rig.middle[1] + reach))
    return left, top, right, bottom


def _paint_layers(own: Values, rig: Rig, colours: _Colours) -> tuple[Values, Values, Values, Values]:
    """Return the layer fixed to the skull, the mask of its teeth, the jaw's layer, and the mask of that."""
    place = own[..., 0] / (WIDE * rig.half_mouth)
    round_off = np.sqrt(np.clip(1 - place**2, 0, 1))
    upper = rig.local_points[list(INNER_UPPER)]
    line = np.interp(own[..., 0], *upper[np.argsort(upper[:, 0])].T).astype(np.float32)
    down = (own[..., 1] - line) / TOOTH
    edge = 0.05 / max(TOOTH * rig.height, 1.0) + 0.12
    teeth = _soft_range(down, -2, 0.35 + 0.65 * round_off, edge) * _soft_range(place, -1, 1, 0.1)
    gaps = 1 - 0.1 * np.exp(-((np.mod(own[..., 0] / 0.036 + 0.5, 1) - 0.5) ** 2) / 0.004)
    shade = (0.62 + 0.38 * np.clip(down / 0.6 + 0.2, 0, 1)) * (0.45 + 0.55 * round_off) * gaps
    fixed = colours.dark * (1 - teeth[..., None]) + colours.teeth * (teeth * shade)[..., None]
    rise = np.clip(1 - (down + 1.0) / 3.0, 0, 1)
    tongue = colours.tongue * (0.3 + 0.7 * round_off)[..., None] * (0.6 + 0.4 * rise)[..., None]
    cover = _soft_range(down, -0.55 * round_off, 40, 0.9) * _soft_range(place, -0.75, 0.75, 0.4) * 0.85
    return fixed.astype(np.float32), teeth.astype(np.float32), tongue.astype(np.float32), cover.astype(np.float32)


def _soft_range(value: Values, low: Values | float, high: Values | float, soft: float) -> Values:
    """Return 1 from `low` to `high` and 0 outside, with soft edges."""
    return np.asarray(
        np.clip((value - low) / soft + 0.5, 0, 1) * np.clip((high - value) / soft + 0.5, 0, 1), np.float32
    )


def _visible_inside(spot: Picture, rig: Rig, corner: tuple[int, int]) -> Values | None:
    """Return a soft mask of where the picture shows the inside of the mouth, or None if its lips are shut."""
    upper, lower = rig.face.points[list(INNER_UPPER), :2], rig.face.points[list(INNER_LOWER), :2]
    gap = (lower - upper) @ rig.axes[1] / rig.height
    if float(gap.max()) < SHOWN:
        return None
    outline = np.concatenate([upper, lower[::-1]]) - np.array(corner, np.float32)
    mask = np.zeros(spot.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(outline * (1 << SHIFT)).astype(np.int32)], 255, cv2.LINE_AA, SHIFT)
    soft = max(0.8, 0.006 * rig.height)
    inner = cv2.erode(mask, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.GaussianBlur(inner, (0, 0), soft), np.float32) / np.float32(255)
