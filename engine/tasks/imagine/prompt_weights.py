"""Weights in a prompt: `(word:1.2)`, `(word)` for 1.1, `[word]` for 1 / 1.1."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.core.errors import BadInput

MAX_WEIGHT = 2.0
"""Largest weight. Pictures fall apart beyond it."""
BRACKET_FACTOR = 1.1
"""Factor of a pair of round brackets; square brackets divide by it."""

_PARTS = re.compile(r"\\([()\[\]\\])|:\s*(\d+(?:\.\d*)?|\.\d+)\s*\)|([()\[\]])|([^\\()\[\]:]+|.)", re.DOTALL)
_NUMBERED = re.compile(r"(?<!\\):\s*(\d+(?:\.\d*)?|\.\d+)\s*\)")


@dataclass
class WeightedText:
    """A piece of a prompt and its weight."""

    text: str
    weight: float = 1.0


def fragments(prompt: str) -> list[WeightedText]:
    """Split a prompt into pieces, joining neighbours of equal weight. A backslash before a bracket makes it literal.

    Takes time linear in the prompt's length. Raises BadInput for a weight over MAX_WEIGHT.
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
    """Return whether the prompt has a weight written in numbers, which ordinary prose does not."""
    return any(fragment.weight != 1 for fragment in fragments(prompt)) and _NUMBERED.search(prompt) is not None


def _weigh(pieces: Sequence[str], factors: Mapping[int, float], closers: Collection[int]) -> Iterator[WeightedText]:
    """Yield the pieces with their weights, dropping brackets that are closed. Unclosed brackets stay as text.

    `factors` maps the position of each opening bracket to its factor; `closers` holds the positions of the closing
    brackets.
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
            "The weight {value} in the prompt is too large; use 0 to {most}. Put a backslash before a bracket"
            " that isn't a weight.",
            value=typed[:40],
            most=MAX_WEIGHT,
        )
    return weight


def _merge_neighbours(found: Iterable[WeightedText]) -> list[WeightedText]:
    """Join neighbours of one weight."""
    same = groupby(found, key=lambda fragment: fragment.weight)
    return [WeightedText("".join(fragment.text for fragment in neighbours), weight) for weight, neighbours in same]
