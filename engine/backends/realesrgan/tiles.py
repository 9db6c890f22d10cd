"""How a picture is cut: tiles that fit the memory, overlap, and fill it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

SHARE = 0.5
"""Of the free memory, what a network may take while it works on a tile."""
SMALLEST = 32
"""Pixels on a side, overlap aside, below which cutting smaller is of no use."""
COST = 1.14
"""How much more work than the whole picture its tiles may be, all overlaps counted, for overlaps to be widened."""


@dataclass(frozen=True)
class Span:
    """One dimension of a tile, in pixels of the input: what it fills, and what the network sees around it."""

    start: int
    stop: int
    seen_from: int
    seen_to: int


Grid = tuple[list[Span], list[Span]]
"""Rows and columns."""


def side(free: int, bytes_per_pixel: int, overlap: int, largest: int) -> int:
    """Pixels on a side of a square tile, overlap included, for which a network takes SHARE of the `free` bytes."""
    fits = math.isqrt(int(free * SHARE) // bytes_per_pixel)
    return max(min(fits, largest), SMALLEST + 2 * overlap)


def grid(height: int, width: int, side: int, overlaps: range) -> Grid:
    """Tiles of at most `side` squared pixels, with the widest of `overlaps` that keeps within COST, or the least work.

    Tiles need not be square: a picture that just does not fit is best cut once, across its longer side.
    """
    whole = height * width
    for overlap in reversed(overlaps):
        found = min(_grids(height, width, side, overlap), key=_work)
        if _work(found) <= COST * whole or overlap == overlaps[0]:
            return found
    raise ValueError("no overlap to choose from")


def squares(height: int, width: int, side: int, overlap: int) -> Grid:
    """Tiles of `side` pixels at most on either side, the overlap included."""
    return spans(height, _count(height, side, overlap), overlap), spans(width, _count(width, side, overlap), overlap)


def spans(length: int, count: int, overlap: int) -> list[Span]:
    """`count` as even as can be; the outer two see one side only."""
    cuts = [round(number * length / count) for number in range(count + 1)]
    return [Span(start, stop, max(0, start - overlap), min(length, stop + overlap)) for start, stop in pairwise(cuts)]


def _grids(height: int, width: int, side: int, overlap: int) -> Iterator[Grid]:
    """One for each number of rows, with as few columns as fit."""
    for count in range(1, max(1, height // SMALLEST) + 1):
        rows = spans(height, count, overlap)
        room = side * side // _longest(rows)
        if room > SMALLEST + 2 * overlap or room >= width:
            yield rows, spans(width, _count(width, room, overlap), overlap)
    yield squares(height, width, side, overlap)


def _count(length: int, side: int, overlap: int) -> int:
    """How many spans of at most `side` pixels fill `length`."""
    if length <= side:
        return 1
    if math.ceil(length / 2) + overlap <= side:
        return 2
    return math.ceil(length / (side - 2 * overlap))


def _longest(spans: list[Span]) -> int:
    return max(span.seen_to - span.seen_from for span in spans)


def _work(grid: Grid) -> int:
    """Pixels that the network sees, all tiles together."""
    rows, columns = (sum(span.seen_to - span.seen_from for span in spans) for spans in grid)
    return rows * columns
