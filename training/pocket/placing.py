"""Place two objects of a training picture by their relation, such as "on" or "holding"."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from training.pocket.colour import Array
from training.pocket.language import Thing


@dataclass
class Piece:
    """An object before it is placed: its icon, caption, colour map and visible box, and whether it is mirrored.

    ``paint`` (3, 4) maps RGB. ``box`` is left, top, right and bottom in -1..1.
    """

    icon: int
    thing: Thing
    paint: Array
    flip: bool
    box: tuple[float, float, float, float]


def _centre(piece: Piece, scale: float) -> float:
    """Return the horizontal offset that centres the visible part of a scaled icon."""
    return -scale * (piece.box[0] + piece.box[2]) / 2


def _beside(r: Generator, first: Piece, second: Piece) -> Array:
    a, b = r.uniform(0.46, 0.56, 2)
    side, floor = r.choice([-1, 1]), r.uniform(0.45, 0.75)
    return np.array([[a, -0.49 * side, floor - a * first.box[3]], [b, 0.49 * side, floor - b * second.box[3]]])


def _stack(r: Generator, top: Piece, base: Piece, gap: float) -> tuple[Array, Array]:
    """Return the places (3,) of `top` and `base`, one above the other with `gap` between them."""
    b, floor, drift = r.uniform(0.5, 0.62), r.uniform(0.86, 0.97), r.uniform(-0.08, 0.08)
    y = floor - b * base.box[3]
    edge = y + b * base.box[1] - gap
    a = min(r.uniform(0.42, 0.55), (edge + 0.97) / (top.box[3] - top.box[1] + 1e-3))
    upper = np.array([a, _centre(top, a) + drift, edge - a * top.box[3]])
    return upper, np.array([b, _centre(base, b) + drift, y])


def _on(r: Generator, first: Piece, second: Piece) -> Array:
    return np.stack(_stack(r, first, second, -0.1))


def _above(r: Generator, first: Piece, second: Piece) -> Array:
    return np.stack(_stack(r, first, second, r.uniform(0.02, 0.1)))


def _under(r: Generator, first: Piece, second: Piece) -> Array:
    upper, lower = _stack(r, second, first, r.uniform(-0.06, 0.06))
    return np.stack([lower, upper])


def _holding(r: Generator, first: Piece, second: Piece) -> Array:  # noqa: ARG001  # same signature as the others
    a, b, side = r.uniform(0.68, 0.8), r.uniform(0.3, 0.4), r.choice([-1, 1])
    hand = a * (first.box[2] - first.box[0]) / 2
    x = min(hand * 0.8 - 0.12, 0.95 - b)
    return np.array([[a, _centre(first, a) - side * 0.14, 0.1], [b, side * x, r.uniform(0.25, 0.45)]])


def _wearing(r: Generator, first: Piece, second: Piece) -> Array:
    a = r.uniform(0.62, 0.74)
    y = 0.95 - a * first.box[3]
    wide = (first.box[2] - first.box[0]) * a * r.uniform(0.55, 0.75)
    b = min(wide / (second.box[2] - second.box[0] + 1e-3), 0.6)
    edge = y + a * first.box[1] + 0.16
    b = min(b, (edge + 0.98) / (second.box[3] - second.box[1] + 1e-3))
    return np.array([[a, _centre(first, a), y], [b, _centre(second, b), edge - b * second.box[3]]])


PLACEMENTS = {"beside": _beside, "on": _on, "above": _above, "under": _under, "holding": _holding, "wearing": _wearing}
"""Functions by relation that return the scale and centre of two objects, (2, 3) in -1..1."""
