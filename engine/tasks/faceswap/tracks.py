"""A tracked face, and the geometry of two faces in a video."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.tasks.faceswap.contract import DetectedFace
from engine.tasks.faceswap.cuts import thumbnail_of
from engine.tasks.faceswap.people import Person
from engine.tasks.faceswap.steadying import Steady

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

MAX_MOVE_WIDTHS = 1.2
"""Largest movement of a lost face until it is seen again, in its own widths."""
MAX_SIZE_RATIO = 1.8
"""Largest ratio of a lost face's widths when it is seen again."""
PATCH_PIXELS = (12, 12)
"""Width and height of a face's thumbnail in pixels."""


@dataclass(eq=False)
class Track:
    """A face of the target and the index of its new face among the source's.

    `last` is its last detection, `person` who it is if that is known, `patch` its thumbnail. `was_cut` says that there
    was a cut since, so that its position means nothing.
    """

    source: int
    last: Any
    steady: Steady
    person: Person | None = None
    patch: Values | None = None
    here: bool = True
    was_cut: bool = False

    def follow(self, face: Any, rate: float) -> None:
        """Continue with `face` after a break."""
        self.last, self.here, self.was_cut = face, True, False
        self.steady, self.patch = Steady(rate), None


def is_near(face: DetectedFace, last: DetectedFace) -> bool:
    """Return whether `face` lies near `last` and is about as large."""
    wide, before = max(1.0, face.width), max(1.0, last.width)
    return distance_of(face, last) < MAX_MOVE_WIDTHS and before / MAX_SIZE_RATIO < wide < before * MAX_SIZE_RATIO


def distance_of(one: DetectedFace, other: DetectedFace) -> float:
    """Return the distance of two faces in widths of the second."""
    middles = [np.array([face.box[0] + face.box[2], face.box[1] + face.box[3]]) / 2 for face in (one, other)]
    return float(np.linalg.norm(middles[0] - middles[1]) / max(1.0, other.width))


def patch_of(picture: Picture, face: DetectedFace) -> Values | None:
    """Return a thumbnail of the face's box, or None if it lies outside the picture."""
    left, top, right, bottom = (max(0, int(number)) for number in face.box)
    part = picture[top:bottom, left:right]
    return thumbnail_of(part, PATCH_PIXELS) if part.size else None
