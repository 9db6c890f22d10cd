"""How a picture is cut: tiles that fit the memory, overlap, and fill it."""

import math
from dataclasses import dataclass
from itertools import pairwise

SHARE = 0.5
"""Of the free memory, what a network may take while it works on a tile."""
LARGEST = 512
"""Pixels on a side that a tile has at most, its overlap included: larger ones gain little and hold memory."""
SMALLEST = 32
"""Pixels on a side, overlap aside, below which cutting smaller is of no use."""


@dataclass(frozen=True)
class Cut:
    """How to cut: tiles of `side` pixels at most, the `overlap` on each side included."""

    side: int
    overlap: int


@dataclass(frozen=True)
class Span:
    """One dimension of a tile, in pixels of the input: what it fills, and what the network sees around it."""

    start: int
    stop: int
    seen_from: int
    seen_to: int


def side(free: int, bytes_per_pixel: int, overlap: int) -> int:
    """Pixels on a side of a tile, overlap included, so that the network takes at most SHARE of the `free` bytes."""
    fits = math.isqrt(int(free * SHARE) // bytes_per_pixel)
    return max(min(fits, LARGEST), SMALLEST + 2 * overlap)


def spans(length: int, cut: Cut) -> list[Span]:
    """One where the whole fits; else the fewest that fit, as even as can be; the outer two see one side only."""
    side, overlap = cut.side, cut.overlap
    if length <= side:
        count = 1
    elif math.ceil(length / 2) + overlap <= side:
        count = 2
    else:
        count = math.ceil(length / (side - 2 * overlap))
    cuts = [round(number * length / count) for number in range(count + 1)]
    return [Span(start, stop, max(0, start - overlap), min(length, stop + overlap)) for start, stop in pairwise(cuts)]
