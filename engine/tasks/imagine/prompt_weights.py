"""Weights in a prompt: `(word:1.2)`, `(word)` for 1.1 times as much, `[word]` for 1.1 times less."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.core.errors import BadInput

MAX_WEIGHT = 2.0
"""The greatest weight: beyond it pictures fall apart."""
BRACKET_FACTOR = 1.1
"""What a pair of round brackets multiplies by, and a pair of square ones divides by."""

_PARTS = re.compile(r"\\([()\[\]\\])|:\s*(\d+(?:\.\d*)?|\.\d+)\s*\)|([()\[\]])|([^\\()\[\]:]+|.)", re.DOTALL)
_NUMBERED = re.compile(r"(?<!\\):\s*(\d+(?:\.\d*)?|\.\d+)\s*\)")


@dataclass
class WeightedText:
    """Words of one weight."""

    text: str
    weight: float = 1.0


def fragments(prompt: str) -> list[WeightedText]:
    """The prompt in pieces, neighbours of one weight joined; a backslash before a bracket makes it a plain one.

    The time is linear in the prompt's length. Raises BadInput for a weight that is too great.
    """
    pieces, open_ = list[str](), list[int]()
    factors, closers = dict[int, float](), set[int]()
    for place, part in enumerate(_PARTS.finditer(prompt)):
        plain, number, bracket, text = part.groups()
        pieces.append(plain or text or part.group())
        opener = pieces[open_[-1]] if open_ else ""
        if bracket in ("(", "["):
            open_.append(place)
        elif number and opener == "(":
            factors[open_.pop()] = _check_bound(float(number), number)
            closers.add(place)
        elif bracket and opener == {")": "(", "]": "["}[bracket]:
            factors[open_.pop()] = BRACKET_FACTOR if bracket == ")" else 1 / BRACKET_FACTOR
            closers.add(place)
    return _merge_neighbours(_weigh(pieces, factors, closers))


def has_explicit_weights(prompt: str) -> bool:
    """Whether somebody wrote a weight in numbers, which no prose has."""
    return any(fragment.weight != 1 for fragment in fragments(prompt)) and _NUMBERED.search(prompt) is not None


def _weigh(pieces: Sequence[str], factors: Mapping[int, float], closers: Collection[int]) -> Iterator[WeightedText]:
    """Yield the pieces with their weights, without the brackets that are closed: those never closed are words.

    `factors` has what each opening bracket multiplies by, by its place; `closers` are the places of the closing ones.
    """
    weights = [1.0]
    for place, piece in enumerate(pieces):
        if place in factors:
            weights.append(weights[-1] * factors[place])
        elif place in closers:
            weights.pop()
        else:
            yield WeightedText(piece, weights[-1])


def _check_bound(weight: float, typed: str) -> float:
    if weight > MAX_WEIGHT:
        raise BadInput(
            "The weight {value} in the prompt is too great; it must be from 0 to {most}."
            " Put a backslash before a bracket that means no weight.",
            value=typed[:40],
            most=MAX_WEIGHT,
        )
    return weight


def _merge_neighbours(found: Iterable[WeightedText]) -> list[WeightedText]:
    """Join neighbours of one weight."""
    same = groupby(found, key=lambda fragment: fragment.weight)
    return [WeightedText("".join(fragment.text for fragment in neighbours), weight) for weight, neighbours in same]
