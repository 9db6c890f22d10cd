"""The camera's way over a picture: where it looks at each moment, in parts of a pixel, so that nothing trembles."""

import math
import random
from dataclasses import dataclass
from typing import Literal

Motion = Literal["still", "pan", "zoom", "parallax"]

NEAR = 1.22
"""How much closer a zoom gets."""
SPARE = {"still": 1.0, "pan": 1.15, "zoom": NEAR, "parallax": 1.12}
"""How much more of the picture there is than a frame shows, for the camera to move in."""


@dataclass(frozen=True)
class View:
    """What a frame shows: its middle in shares of the picture, and its width as a share of the most that fits."""

    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Way:
    """From `start` to `end` as a share of time goes from 0 to 1, gently set going and stopped."""

    start: View
    end: View

    def at(self, share: float) -> View:
        gone = ease(min(max(share, 0.0), 1.0))
        start, end = self.start, self.end
        width = start.width * (end.width / start.width) ** gone  # the same factor in the same time looks steady
        zoomed = (width - start.width) / (end.width - start.width) if end.width != start.width else gone
        return View(start.x + (end.x - start.x) * zoomed, start.y + (end.y - start.y) * zoomed, width)


def ease(share: float) -> float:
    """0 to 1 with the ends of a trapezoid's speed: a fifth to get going, a fifth to stop."""
    ramp = 0.2
    top = 1 / (1 - ramp)
    if share < ramp:
        return top * share * share / (2 * ramp)
    if share > 1 - ramp:
        return 1 - ease(1 - share)
    return top * (share - ramp / 2)


def way(motion: Motion, focus: tuple[float, float], aspect: tuple[float, float], seed: int) -> Way:
    """The way of `motion` towards or along `focus`, in shares of the picture; which way round, `seed` says.

    `aspect` is how many times the picture is as wide and as high as what the camera sees at its widest.
    """
    chance = random.Random(seed)
    if motion == "still":
        return Way(*[View(0.5, 0.5, 1.0)] * 2)
    if motion == "pan":
        return _along(aspect, focus, 1 / SPARE["pan"], chance)
    far, near = (1.0, 1 / NEAR) if motion == "zoom" else (0.96, 1 / SPARE["parallax"])
    ends = View(*_clamp_focus(focus, aspect, far), far), View(*_clamp_focus(focus, aspect, near), near)
    return Way(*ends) if chance.random() < 0.7 else Way(*reversed(ends))


def _along(aspect: tuple[float, float], focus: tuple[float, float], width: float, chance: random.Random) -> Way:
    """From side to side, along the side that leaves more room."""
    room = [1 - width / each for each in aspect]
    turned = chance.random() < 0.5
    if room[0] >= room[1] - 0.02:
        y = _clamp_focus(focus, aspect, width)[1]
        ends = View(0.5 - room[0] / 2, y, width), View(0.5 + room[0] / 2, y, width)
    else:
        x = _clamp_focus(focus, aspect, width)[0]
        ends = View(x, 0.5 - room[1] / 2, width), View(x, 0.5 + room[1] / 2, width)
    return Way(*reversed(ends)) if turned else Way(*ends)


def _clamp_focus(focus: tuple[float, float], aspect: tuple[float, float], width: float) -> tuple[float, float]:
    """The middle nearest to `focus` with which the view stays inside the picture."""
    x, y = (min(max(at, width / each / 2), 1 - width / each / 2) for at, each in zip(focus, aspect, strict=True))
    return x, y


def sway(share: float, seed: int) -> tuple[float, float]:
    """Where the eye has moved to at a share of the time, for parallax: -1 to 1 across, less up and down."""
    side = 1 if seed % 2 else -1
    return side * (2 * ease(share) - 1), 0.35 * math.sin(math.pi * share)
