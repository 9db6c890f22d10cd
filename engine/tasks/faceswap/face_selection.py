"""Which faces are swapped: what a person writes as `face`, and what it means in pictures with so many faces."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.core.errors import BadInput

EVERY = "all"
_PAIR = re.compile(r"(\d{1,3})(?:\s*=\s*(\d{1,3}))?")


class Sized(Protocol):
    @property
    def area(self) -> float: ...


@dataclass(frozen=True)
class FaceSelection:
    """`pairs` of a face of the target and one of the source, or None for its largest, numbered from 1.

    Without pairs it is the target's largest alone, or `every` face.
    """

    pairs: tuple[tuple[int, int | None], ...] = ()
    every: bool = False

    @classmethod
    def of(cls, face: str | None) -> "FaceSelection":
        """What was written: nothing, "all", "2", "1, 3", or "1=2, 2=1". Raises BadInput."""
        if face is None or face.lower() == EVERY:
            return cls(every=face is not None)
        found = [_PAIR.fullmatch(part.strip()) for part in face.split(",")]
        pairs = tuple((int(one[1]), int(one[2]) if one[2] else None) for one in found if one)
        if len(pairs) < len(found) or len({target for target, _ in pairs}) < len(pairs):
            raise BadInput(
                "face is “{value}”; it must be all, a number such as 2, some such as 1, 3, or pairs such as 1=2, 2=1:"
                " face 1 of target becomes face 2 of source, and so on.",
                value=face[:40],
            )
        return cls(pairs)

    @property
    def least(self) -> int:
        """So many faces the target has to have."""
        return max((target for target, _ in self.pairs), default=1)

    def resolve(self, targets: Sequence[Sized], sources: Sequence[Sized]) -> dict[int, int]:
        """By place of a face among `targets`, from 0, that of its new one among `sources`. Raises BadInput."""
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
    return max(range(len(faces)), key=lambda place: faces[place].area)


def _place(number: int, faces: Sequence[Sized], option: str) -> int:
    if not 1 <= number <= len(faces):
        raise BadInput(
            "face names face {number} of {option}, where {count} can be seen. They are numbered from left to right,"
            " from 1.",
            number=number,
            option=option,
            count=len(faces),
        )
    return number - 1
