"""Runs a picture through a network tile by tile with exact results: at each step tiles pass their borders on.

A convolution at a tile's border needs pixels beyond it. Tiles that overlap by all that a network sees (348 pixels
for the heaviest) do most of the work twice, and narrower overlaps leave seams. Here each step sees only a few
pixels: the part of its input that the next tile will need is kept, and the tile's own border recedes by that much.
Source: the time skewing of stencil codes, Wolf and Lam 1991, "A data locality optimizing algorithm".
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.progress import OnStep, subrange
from engine.tasks.upscale.realesrgan.networks import Network
from engine.tasks.upscale.realesrgan.tiles import Cut, Span

Picture = NDArray[np.uint8]
Features = Any


RESIDUAL = 0.2
"""Factor of a residual block's output before its input is added."""


@dataclass(frozen=True)
class Edge:
    """One dimension of a step's input: `first` to `held` was passed on, the rest to `last` is new, and `keep` to
    `last` is kept for the next tile.
    """

    first: int
    held: int
    last: int
    keep: int


class HaloTiler:
    """One pass over `picture`, uint8 (H, W, 3). Call `tile(row, column)` in order, strip by strip."""

    def __init__(self, picture: Picture, network: Network, plan: Cut) -> None:
        self._picture, self._network, self._turned = picture, network, plan.turned
        self._outer, self._inner = (plan.columns, plan.rows) if plan.turned else (plan.rows, plan.columns)
        self._above: dict[tuple[int, bool], Features] = {}
        self._left: dict[tuple[int, bool], Features] = {}

    def tile(self, strip: int, place: int, on_step: OnStep) -> Picture:
        """Return the last step's output for all that it sees, four times as large."""
        steps = self._network.steps
        made = self._first(self._outer[strip][0], self._inner[place][0]) if len(steps) > 1 else None
        beside: Features = None
        for number, step in enumerate(steps[1:-1], 1):
            row, column = self._outer[strip][number], self._inner[place][number]
            seen = self._gather_input(number, made, strip, place)
            if step.inside_skip:
                beside = self._skip_connection(number, beside, strip, place)
            elif step.starts:
                beside = _own_part(seen, row, column)
            made = self._run_step(number, seen, (row, column), subrange(on_step, number, len(steps)))
            if step.ends:
                made, beside = made * RESIDUAL + beside, None
        last = len(steps) - 1
        seen = self._gather_input(last, made, strip, place) if last else None
        row, column = self._outer[strip][last], self._inner[place][last]
        if _is_empty(row, column):
            return np.empty((0, 0, 3), np.uint8)
        looked_at = self._looked_at(row, column)
        return self._network.last(self._turn(seen), looked_at, subrange(on_step, last, len(steps)))

    def _first(self, row: Span, column: Span) -> Features:
        if _is_empty(row, column):
            return self._room(row.stop - row.start, column.stop - column.start)
        return _own_part(self._turn(self._network.first(self._looked_at(row, column))), row, column)

    def _run_step(self, number: int, seen: Features, spans: tuple[Span, Span], on_step: OnStep) -> Features:
        row, column = spans
        if _is_empty(row, column):
            return self._room(row.stop - row.start, column.stop - column.start)
        return _own_part(self._turn(self._network.step(number, self._turn(seen), on_step)), row, column)

    def _gather_input(self, number: int, made: Features, strip: int, place: int) -> Features:
        """Return all that the step sees: what earlier tiles passed on, and `made`."""
        halo = self._network.steps[number].halo
        row, column = (
            Edge(
                tile[number].seen_from, tile[number - 1].start, tile[number - 1].stop, max(0, tile[number].stop - halo)
            )
            for tile in (self._outer[strip], self._inner[place])
        )
        return self._join_neighbours((number, False), made, (row, column), (strip, place))

    def _skip_connection(self, number: int, made: Features, strip: int, place: int) -> Features:
        """Return the input that bypasses the step, where the step computes something."""
        row, column = (
            Edge(tile[number].start, tile[number - 1].start, tile[number - 1].stop, tile[number].stop)
            for tile in (self._outer[strip], self._inner[place])
        )
        whole = self._join_neighbours((number, True), made, (row, column), (strip, place))
        return whole[..., : row.keep - row.first, : column.keep - column.first]

    def _join_neighbours(
        self, key: tuple[int, bool], made: Features, edges: tuple[Edge, Edge], tile: tuple[int, int]
    ) -> Features:
        """Join `made` with what was passed on, and keep the next tiles' share."""
        row, column = edges
        whole = self._room(row.last - row.first, column.last - column.first)
        above, left = row.held - row.first, column.held - column.first
        if above:
            whole[..., :above, :] = self._above[key][..., :above, column.first : column.last]
        if left:
            whole[..., above:, :left] = self._left[key]
        whole[..., above:, left:] = made
        is_last = tile[1] == len(self._inner) - 1
        if not is_last:
            self._left[key] = self._copy(whole[..., above:, column.keep - column.first :])
        if tile[0] < len(self._outer) - 1:
            until = column.last if is_last else column.keep
            kept = whole[..., row.keep - row.first :, : until - column.first]
            if key not in self._above:
                halo = self._network.steps[key[0]].halo
                self._above[key] = self._room(2 * halo, self._inner[-1][0].stop)
            self._above[key][..., : kept.shape[-2], column.first : until] = kept
        return whole

    def _copy(self, features: Features) -> Features:
        copy = self._room(*features.shape[-2:])
        copy[...] = features
        return copy

    def _looked_at(self, row: Span, column: Span) -> Picture:
        rows, columns = (column, row) if self._turned else (row, column)
        return self._picture[rows.seen_from : rows.seen_to, columns.seen_from : columns.seen_to]

    def _room(self, high: int, wide: int) -> Features:
        return self._turn(self._network.room(wide, high) if self._turned else self._network.room(high, wide))

    def _turn(self, features: Features) -> Features:
        """Swap between the picture's rows and columns and the strips and their tiles."""
        return features.swapaxes(-1, -2) if self._turned and features is not None else features


def _is_empty(row: Span, column: Span) -> bool:
    return row.start == row.stop or column.start == column.stop


def _own_part(seen: Features, row: Span, column: Span) -> Features:
    return seen[
        ...,
        row.start - row.seen_from : row.stop - row.seen_from,
        column.start - column.seen_from : column.stop - column.seen_from,
    ]
