"""Divides a picture into tiles that fit the memory and whose borders recede step by step."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.tasks.upscale.realesrgan.networks import SCALE, Network, Step

MEMORY_SHARE = 0.6
"""Share of the free memory that a network may use."""
MIN_TILE_PIXELS = 48
"""Side in pixels, without the halo, below which smaller tiles are of no use."""
MAX_TILES_PER_ROW = 64
"""Most tiles in a row for the search."""


@dataclass(frozen=True)
class Span:
    """One dimension of a tile at one step, in input pixels: what it computes, and what it sees around that."""

    start: int
    stop: int
    seen_from: int
    seen_to: int


@dataclass(frozen=True)
class Cut:
    """Spans by tile and step. Strips are rows that follow one another, or columns if `turned`."""

    rows: list[list[Span]]
    columns: list[list[Span]]
    turned: bool = False

    @property
    def count(self) -> int:
        """Return the number of tiles."""
        return len(self.rows) * len(self.columns)


def cut(height: int, width: int, network: Network, free: int) -> Cut:
    """Return the tiles with the least work for which `network` fits MEMORY_SHARE of `free` bytes, or its smallest
    ones.

    Strips run along the shorter side, because what one passes to the next is kept along its whole length.
    """
    turned = width > height
    outer, inner = (width, height) if turned else (height, width)
    budget = int(free * MEMORY_SHARE)
    area = min(budget // network.bytes_per_pixel, network.largest**2)
    if outer * inner > area:
        handed = handed_on(network) * network.bytes_per_feature * (inner + network.largest // 2)
        area = min((budget - handed) // network.bytes_per_pixel, network.largest**2)
    counts = min(_fitting(outer, inner, network.steps, area), key=lambda found: _work(outer, inner, network, found))
    halos = [step.halo for step in network.steps]
    rows, columns = spans(outer, counts[0], halos), spans(inner, counts[1], halos)
    return Cut(columns, rows, turned) if turned else Cut(rows, columns)


def handed_on(network: Network) -> int:
    """Return the features that a border pixel leaves for neighbouring tiles over all steps."""
    return sum(step.halo * (3 if step.inside_skip else 2) for step in network.steps[1:])


def spans(length: int, count: int, halos: Sequence[int]) -> list[list[Span]]:
    """Divide `length` into `count` tiles, each with a span for every step that sees its halo on either side.

    At each step a tile computes less on its far side, by what the next step will see there, and as much more on its
    near side, from what the previous tile passed on. So no pixel is computed twice except in the halos of one step.
    """
    if count == 1:
        return [[Span(0, length, 0, length)] * len(halos)]
    behind = [sum(halos[1 : step + 1]) for step in range(len(halos))]
    borders = [round(number * (length + behind[-1]) / count) for number in range(count + 1)]
    return [
        [_span(length, max(0, first - back), last - back, halo) for back, halo in zip(behind, halos, strict=True)]
        for first, last in pairwise(borders)
    ]


def squares(height: int, width: int, side: int, overlap: int) -> tuple[list[Span], list[Span]]:
    """Return rows and columns of tiles of at most `side` pixels, including the overlap, for a single step."""
    return _even(height, side, overlap), _even(width, side, overlap)


def output_slice(span: Span, origin: int | None = None) -> slice:
    """Return a span's own part in the enlarged picture, or in the enlarged input that it saw if `origin` is None."""
    first = span.seen_from if origin is None else origin
    return slice(SCALE * (span.start - first), SCALE * (span.stop - first))


def _even(length: int, side: int, overlap: int) -> list[Span]:
    count = 1 if length <= side else math.ceil(length / (side - 2 * overlap))
    return [one for (one,) in spans(length, count, [overlap])]


def _span(length: int, start: int, stop: int, halo: int) -> Span:
    start, stop = min(start, length), min(max(0, stop), length)
    return Span(start, stop, max(0, start - halo), min(length, stop + halo))


def _fitting(outer: int, inner: int, steps: Sequence[Step], area: int) -> Iterator[tuple[int, int]]:
    """Yield counts of tiles along both sides whose largest fits `area`, or those of the smallest tiles."""
    halo = max(step.halo for step in steps)
    lag = sum(step.halo for step in steps[1:])
    smallest = MIN_TILE_PIXELS + 2 * halo
    for across in range(1, MAX_TILES_PER_ROW + 1):
        wide = inner if across == 1 else math.ceil((inner + lag) / across) + 2 * halo
        if wide < smallest and across > 1:
            break
        if outer * wide <= area:
            yield 1, across
        elif area // wide >= smallest:
            yield max(2, math.ceil((outer + lag) / (area // wide - 2 * halo))), across
    yield _least(outer, lag, halo), _least(inner, lag, halo)


def _least(length: int, lag: int, halo: int) -> int:
    return 1 if length <= MIN_TILE_PIXELS + 2 * halo else max(2, math.ceil((length + lag) / MIN_TILE_PIXELS))


def _work(outer: int, inner: int, network: Network, counts: tuple[int, int]) -> int:
    """Return the pixels that the steps see in all tiles."""
    halo = max(step.halo for step in network.steps)
    return (outer + 2 * halo * (counts[0] - 1)) * (inner + 2 * halo * (counts[1] - 1))
