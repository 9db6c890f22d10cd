"""Weights in a prompt: `(word:1.2)`, `(word)` for 1.1 times as much, `[word]` for 1.1 times less."""

import re
from dataclasses import dataclass

from engine.errors import BadInput

MOST = 2.0
"""The greatest weight: beyond it pictures fall apart."""
BRACKET = 1.1
"""What a pair of round brackets multiplies by, and a pair of square ones divides by."""

_PARTS = re.compile(r"\\([()\[\]\\])|:\s*(\d+\.?\d*|\.\d+)\s*\)|([()\[\]])|([^\\()\[\]:]+|.)", re.DOTALL)
_NUMBERED = re.compile(r"(?<!\\):\s*(\d+\.?\d*|\.\d+)\s*\)")


@dataclass
class Fragment:
    """Words of one weight."""

    text: str
    weight: float = 1.0


def fragments(prompt: str) -> list[Fragment]:
    """The prompt in pieces, neighbours of one weight joined; a backslash before a bracket makes it a plain one.

    Raises BadInput for a weight that is too great.
    """
    found: list[Fragment] = []
    open_: list[tuple[str, int]] = []
    for part in _PARTS.finditer(prompt):
        plain, number, bracket, text = part.groups()
        if bracket in ("(", "["):
            open_.append((bracket, len(found)))
            found.append(Fragment(bracket))
        elif number and open_ and open_[-1][0] == "(":
            _close(found, open_, _bounded(float(number), number))
        elif bracket and open_ and open_[-1][0] == {")": "(", "]": "["}[bracket]:
            _close(found, open_, BRACKET if bracket == ")" else 1 / BRACKET)
        else:
            found.append(Fragment(plain or text or part.group()))
    return _joined(found)


def numbered(prompt: str) -> bool:
    """Whether somebody wrote a weight in numbers, which no prose has."""
    return any(fragment.weight != 1 for fragment in fragments(prompt)) and _NUMBERED.search(prompt) is not None


def _close(found: list[Fragment], open_: list[tuple[str, int]], weight: float) -> None:
    """Brackets that were never closed stay as they were typed; these go."""
    _, place = open_.pop()
    found[place].text = ""
    for fragment in found[place:]:
        fragment.weight *= weight


def _bounded(weight: float, typed: str) -> float:
    if weight > MOST:
        raise BadInput(
            "The weight {value} in the prompt is too great; it must be from 0 to {most}."
            " Put a backslash before a bracket that means no weight.",
            value=typed,
            most=MOST,
        )
    return weight


def _joined(found: list[Fragment]) -> list[Fragment]:
    joined: list[Fragment] = []
    for fragment in found:
        if joined and joined[-1].weight == fragment.weight:
            joined[-1].text += fragment.text
        elif fragment.text:
            joined.append(fragment)
    return joined
