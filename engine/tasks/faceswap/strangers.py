"""Remembers faces that are nobody we look for, so that the network is not run on them at every look."""

from dataclasses import dataclass, field
from typing import Any

from engine.tasks.faceswap.contract import DetectedFace
from engine.tasks.faceswap.cuts import Values, difference_of

MAX_LOOKS = 5
"""Looks after which a stranger is checked again."""
MAX_CHANGE_LEVELS = 30.0
"""Mean difference of a face's thumbnails, in levels of 255, above which it may be somebody else."""


@dataclass
class Stranger:
    """A stranger's position at the last look, thumbnail, and number of looks since the network saw it."""

    face: Any
    patch: Values
    looks: int = 0


@dataclass
class Strangers:
    """The strangers of the last look, for one set of lost people."""

    _known: list[Stranger] = field(default_factory=list)
    _next: list[Stranger] = field(default_factory=list)
    _lost: list[int] = field(default_factory=list)

    def begin_look(self, lost: list[int]) -> None:
        """Begin the next look for the people with these numbers. For other people the strangers are forgotten."""
        self._known = self._next if lost == self._lost else []
        self._next, self._lost = [], lost

    def clear(self) -> None:
        """Forget all strangers: after a cut positions mean nothing."""
        self._next = []

    def recall(self, face: DetectedFace, patch: Values) -> bool:
        """Return whether `face` is a stranger last seen in the same place, and remember it again."""
        for known in self._known:
            is_recent = known.looks < MAX_LOOKS and _is_same_place(face, known.face)
            if is_recent and difference_of(known.patch, patch) <= MAX_CHANGE_LEVELS:
                self._next.append(Stranger(face, patch, known.looks + 1))
                return True
        return False

    def add(self, face: DetectedFace, patch: Values) -> None:
        """Remember a face that the network has just found to be nobody we look for."""
        self._next.append(Stranger(face, patch))


def _is_same_place(one: DetectedFace, other: DetectedFace) -> bool:
    """Return whether the centres of two faces are less than half a width apart."""
    across = abs(one.box[0] + one.box[2] - other.box[0] - other.box[2]) / 2
    down = abs(one.box[1] + one.box[3] - other.box[1] - other.box[3]) / 2
    return max(across, down) < 0.5 * max(1.0, other.width)
