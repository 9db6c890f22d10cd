"""A picture of any size through a network: tile by tile, resampled to its place, cross-faded where tiles overlap."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.backends.realesrgan.networks import SCALE, Network
from engine.backends.realesrgan.tiles import Grid, Span
from engine.steps import OnStep, part

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Placed:
    """One dimension of a tile in the output: it goes to `start` up to `stop`, fading in up to `faded`."""

    span: Span
    start: int
    stop: int
    faded: int


def upscale(picture: Picture, size: tuple[int, int], network: Network, tiles: Grid, on_step: OnStep) -> Picture:
    """uint8 (H, W, 3) to `size`, (height, width), at most SCALE times as large.

    Only one tile and one row of tiles in the output's size are held beside input and output.
    """
    rows = placed(tiles[0], picture.shape[0], size[0])
    columns = placed(tiles[1], picture.shape[1], size[1])
    factors = size[0] / picture.shape[0], size[1] / picture.shape[1]
    if len(rows) == len(columns) == 1:
        return _resampled(network.enlarge(picture, on_step), (rows[0], columns[0]), factors)
    output = np.empty((*size, 3), np.uint8)
    for number, row in enumerate(rows):
        strip = np.empty((row.stop - row.start, size[1], 3), np.uint8)
        for count, column in enumerate(columns, number * len(columns)):
            seen = picture[row.span.seen_from : row.span.seen_to, column.span.seen_from : column.span.seen_to]
            told = part(on_step, count, len(rows) * len(columns))
            fitted = _resampled(network.enlarge(seen, told), (row, column), factors)
            _lay(strip.swapaxes(0, 1), fitted.swapaxes(0, 1), column)
        _lay(output, strip, row)
    return output


def placed(cuts: list[Span], length: int, made: int) -> list[Placed]:
    """Where the spans of `length` pixels lie in `made` pixels; each fades over all that it shares with the last one."""
    factor = made / length
    places = [
        (
            span,
            math.ceil(span.seen_from * factor),
            made if span.seen_to == length else math.floor(span.seen_to * factor),
        )
        for span in cuts
    ]
    first = [Placed(*places[0], faded=0)]
    return first + [Placed(*place, faded=before[2]) for before, place in pairwise(places)]


def _resampled(enlarged: Picture, place: tuple[Placed, Placed], factors: tuple[float, float]) -> Picture:
    """The network's output at its final size; where output pixels fall between the network's, they still line up."""
    from PIL import Image

    row, column = place
    width, height = column.stop - column.start, row.stop - row.start
    if (height, width) == enlarged.shape[:2]:
        return enlarged
    top, bottom = _source(row, factors[0], enlarged.shape[0])
    left, right = _source(column, factors[1], enlarged.shape[1])
    image = Image.fromarray(enlarged)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, (left, top, right, bottom)))


def _source(place: Placed, factor: float, length: int) -> tuple[float, float]:
    """From where to where in the network's output the pixels of `place` come."""
    first, last = ((at / factor - place.span.seen_from) * SCALE for at in (place.start, place.stop))
    return max(0.0, first), min(float(length), last)


def _lay(canvas: Picture, piece: Picture, place: Placed) -> None:
    """Put `piece` along the first axis: from `place.faded` over what is there, before that fading in.

    The fade takes the middle quarter of what two tiles share: nearer to its border a tile is less like the whole.
    """
    shared = max(0, place.faded - place.start)
    first, last = shared * 3 // 8, shared - shared * 3 // 8
    if shared:
        weight = ((np.arange(last - first, dtype=np.float32) + 0.5) / (last - first))[:, None, None]
        there = canvas[place.start + first : place.start + last].astype(np.float32)
        mixed = there + (piece[first:last].astype(np.float32) - there) * weight
        canvas[place.start + first : place.start + last] = np.rint(mixed).astype(np.uint8)
    canvas[place.start + last : place.stop] = piece[last:]
