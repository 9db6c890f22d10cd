"""Parses the option `face` and resolves it against the faces that were found."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.core.errors import BadInput

EVERY = "all"
"""Value of `face` that selects every face."""
_PAIR = re.compile(r"(\d{1,3})(?:\s*=\s*(\d{1,3}))?")


class Sized(Protocol):
    """Something with an area."""

    @property
    def area(self) -> float:
        """Return the area in pixels."""


@dataclass(frozen=True)
class FaceSelection:
    """Pairs of a target face and a source face, numbered from 1. A source of None is the largest one.

    Without pairs it selects the target's largest face, or `every` face.
    """

    pairs: tuple[tuple[int, int | None], ...] = ()
    every: bool = False

    @classmethod
    def of(cls, face: str | None) -> "FaceSelection":
        """Parse `face`: None, "all", "2", "1, 3", or "1=2, 2=1". Raises BadInput."""
        if face is None or face.lower() == EVERY:
            return cls(every=face is not None)
        found = [_PAIR.fullmatch(part.strip()) for part in face.split(",")]
        pairs = tuple((int(one[1]), int(one[2]) if one[2] else None) for one in found if one)
        if len(pairs) < len(found) or len({target for target, _ in pairs}) < len(pairs):
            raise BadInput(
                "face is “{value}”. Use all, a number (2), several (1, 3), or pairs (1=2, 2=1), where 1=2 gives"
                " face 1 of target the face 2 of source.",
                value=face[:40],
            )
        return cls(pairs)

    @property
    def least(self) -> int:
        """Return how many faces the target must have."""
        return max((target for target, _ in self.pairs), default=1)

    def resolve(self, targets: Sequence[Sized], sources: Sequence[Sized]) -> dict[int, int]:
        """Return the index in `sources` of the new face, by the index in `targets`. Raises BadInput."""
        usual = largest(sources)
        if self.every:
            return dict.fromkeys(range(len(targets)), usual)
        if not self.pairs:
            return {largest(targets): usual}
        return {
            _place(target, targets, "target"): usual if source is None else _place(source, sources, "source")
            for target, source in self.pairs
        }


def largest(faces: Sequence[Sized]) -> int:
    """Return the index of the largest face."""
    return max(range(len(faces)), key=lambda place: faces[place].area)


def _place(number: int, faces: Sequence[Sized], option: str) -> int:
    """Return the index of face `number`. Raises BadInput if there is no such face."""
    if not 1 <= number <= len(faces):
        raise BadInput(
            "There is no face {number} in {option}. Only {count} face was found.",
            plural="There is no face {number} in {option}. {count} faces were found, numbered from left to right.",
            number=number,
            option=option,
            count=len(faces),
        )
    return number - 1
