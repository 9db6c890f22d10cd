"""Runs a picture of any size through a network tile by tile, and resamples each tile to its place."""

import numpy as np
from numpy.typing import NDArray

from engine.core.progress import OnStep, subrange
from engine.tasks.upscale.realesrgan.halo_exchange import HaloTiler
from engine.tasks.upscale.realesrgan.networks import SCALE, Network
from engine.tasks.upscale.realesrgan.tiles import Cut, Span

Picture = NDArray[np.uint8]

Place = tuple[int, int]
"""Start and end of a tile in the output."""


def upscale(picture: Picture, size: tuple[int, int], network: Network, plan: Cut, on_step: OnStep) -> Picture:
    """Enlarge uint8 (H, W, 3) to `size`, (height, width), at most SCALE times, as if the network saw the whole
    picture.

    Beside input and output, memory holds one tile and what tiles pass on along a strip.
    """
    factors = size[0] / picture.shape[0], size[1] / picture.shape[1]
    if plan.count == 1:
        whole = Span(0, picture.shape[0], 0, picture.shape[0]), Span(0, picture.shape[1], 0, picture.shape[1])
        return _resample(network.enlarge(picture, on_step), whole, ((0, size[0]), (0, size[1])), factors)
    output = np.empty((*size, 3), np.uint8)
    tiler = HaloTiler(picture, network, plan)
    counts = (len(plan.columns), len(plan.rows)) if plan.turned else (len(plan.rows), len(plan.columns))
    for number in range(plan.count):
        strip, place = divmod(number, counts[1])
        with network.running():
            made = tiler.tile(strip, place, subrange(on_step, number, plan.count))
        row, column = (place, strip) if plan.turned else (strip, place)
        spans = plan.rows[row][-1], plan.columns[column][-1]
        down, across = (place_output(span, factor) for span, factor in zip(spans, factors, strict=True))
        if made.size and down[0] < down[1] and across[0] < across[1]:
            output[slice(*down), slice(*across)] = _resample(made, spans, (down, across), factors)
    return output


def place_output(span: Span, factor: float) -> Place:
    """Return a span's place in the output. Tiles round their shared border alike, so each pixel belongs to one tile."""
    return round(span.start * factor), round(span.stop * factor)


def _resample(
    enlarged: Picture, spans: tuple[Span, Span], places: tuple[Place, Place], factors: tuple[float, float]
) -> Picture:
    """Return the network's output at its final size, aligned even if output pixels fall between the network's."""
    from PIL import Image

    (top, bottom), (left, right) = (
        [(at / factor - span.seen_from) * SCALE for at in place]
        for span, place, factor in zip(spans, places, factors, strict=True)
    )
    height, width = places[0][1] - places[0][0], places[1][1] - places[1][0]
    if set(factors) == {SCALE}:
        return enlarged[round(top) : round(bottom), round(left) : round(right)]
    box = left, top, min(right, enlarged.shape[1]), min(bottom, enlarged.shape[0])
    return np.asarray(Image.fromarray(enlarged).resize((width, height), Image.Resampling.LANCZOS, box))
