"""Draws eyes under moving lids: the eyeball stays, and a shut eye gets a line of lashes."""

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.tasks.animate.mesh.rig import LIDS, Rig

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

LASHES = 0.011
"""Thickness of the line of lashes as a share of the face's height."""
DARK = 0.75
SHIFT = 4
"""Fractional bits of OpenCV's drawing coordinates."""


class Eyes:
    """The eyes of the face that `rig` moves in `picture`."""

    def __init__(self, picture: Picture, rig: Rig) -> None:
        self._picture = picture
        self._rig = rig

    def paint(self, made: Picture, moved: Values, lids: float) -> None:
        """Restore the picture where the lids are open, in place. `lids` is 0 (open) to 1 (shut)."""
        for upper, lower, (one, other) in LIDS:
            over, under = moved[list(upper)], moved[list(lower)]
            shut = np.minimum(0, (under - over) @ self._rig.axes[1])
            over = over + shut[:, None] * self._rig.axes[1]
            ball = np.zeros(made.shape[:2], np.uint8)
            cv2.fillPoly(
                ball, [_to_fixed_point(np.concatenate([moved[[one]], over, moved[[other]], under[::-1]]))], 255, **AA
            )
            _blend(made, ball, self._picture)
            lashes = np.zeros_like(ball)
            thick = max(1, round(LASHES * self._rig.height))
            line = _to_fixed_point(np.concatenate([moved[[one]], moved[list(upper)], moved[[other]]]))
            level = round(255 * DARK * float(np.clip((lids - 0.5) / 0.4, 0, 1)))
            cv2.polylines(lashes, [line], False, level, thick, **AA)
            _blend(made, cv2.GaussianBlur(lashes, (0, 0), max(0.5, thick / 3)), self._dark)

    @cached_property
    def _dark(self) -> Values:
        """Return the colour of the lashes: the darkest around the eyes."""
        mask = np.zeros(self._picture.shape[:2], np.uint8)
        for upper, lower, (one, other) in LIDS:
            rim = self._rig.face.points[[one, *upper, other, *lower[::-1]], :2]
            cv2.fillPoly(mask, [_to_fixed_point(rim)], 255, cv2.LINE_8, SHIFT)
        seen = self._picture[mask > 0].astype(np.float32)
        if not len(seen):
            return np.zeros(3, np.float32)
        light = seen.sum(axis=1)
        return np.asarray(seen[light <= np.percentile(light, 20)].mean(axis=0))


AA = {"lineType": cv2.LINE_AA, "shift": SHIFT}


def _to_fixed_point(points: Values) -> NDArray[np.int32]:
    return np.round(points * (1 << SHIFT)).astype(np.int32)


def _blend(made: Picture, mask: Picture, over: "Picture | Values") -> None:
    """Blend `over`, a picture or a colour, into `made` under `mask`, in place."""
    left, top, width, height = cv2.boundingRect(mask)
    if not width:
        return
    spot = slice(top, top + height), slice(left, left + width)
    part = (mask[spot].astype(np.float32) / np.float32(255))[..., None]
    laid = over[spot] if over.ndim == 3 else over
    made[spot] = (made[spot] * (1 - part) + laid * part + 0.5).astype(np.uint8)
