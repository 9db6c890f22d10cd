"""Faces that turned out to be nobody who is looked for: asking a network again at every look would be slow."""

from dataclasses import dataclass, field
from typing import Any

from engine.tasks.faceswap.contract import DetectedFace
from engine.tasks.faceswap.cuts import Values, difference_of

MAX_LOOKS = 5
"""Looks after which a stranger is asked again who it is."""
MAX_CHANGE = 30.0
"""Mean difference of a face's thumbnails, in levels of 255, above which it may be somebody else."""


@dataclass
class Stranger:
    """Where a face was at the last look, its thumbnail, and how many looks ago a network saw it."""

    face: Any
    patch: Values
    looks: int = 0


@dataclass
class Strangers:
    """The strangers of the last look, for a certain set of lost people."""

    _known: list[Stranger] = field(default_factory=list)
    _next: list[Stranger] = field(default_factory=list)
    _lost: list[int] = field(default_factory=list)

    def begin_look(self, lost: list[int]) -> None:
        """Begin the next look for the people with these numbers; others who are lost may be among the strangers."""
        self._known = self._next if lost == self._lost else []
        self._next, self._lost = [], lost

    def clear(self) -> None:
        """Forget all, since after a cut places mean nothing."""
        self._next = []

    def recall(self, face: DetectedFace, patch: Values) -> bool:
        """Tell whether `face` is a stranger who was seen lately in the same place, and keep it as one."""
        for known in self._known:
            is_recent = known.looks < MAX_LOOKS and _is_same_place(face, known.face)
            if is_recent and difference_of(known.patch, patch) <= MAX_CHANGE:
                self._next.append(Stranger(face, patch, known.looks + 1))
                return True
        return False

    def add(self, face: DetectedFace, patch: Values) -> None:
        """Keep a face that a network has just told from everybody who is looked for."""
        self._next.append(Stranger(face, patch))


def _is_same_place(one: DetectedFace, other: DetectedFace) -> bool:
    """Tell whether the middles of two faces are less than half a width apart."""
    across = abs(one.box[0] + one.box[2] - other.box[0] - other.box[2]) / 2
    down = abs(one.box[1] + one.box[3] - other.box[1] - other.box[3]) / 2
    return max(across, down) < 0.5 * max(1.0, other.width)
