"""Plan the path of the camera over a picture, in subpixel positions, so that nothing jitters."""

import math
import random
from dataclasses import dataclass
from typing import Literal

Motion = Literal["still", "pan", "zoom", "parallax"]

MAX_ZOOM = 1.22
"""How much closer a zoom gets."""
MARGINS = {"still": 1.0, "pan": 1.15, "zoom": MAX_ZOOM, "parallax": 1.12}
"""Size of the picture relative to what a frame shows, so that the camera has room to move."""


@dataclass(frozen=True)
class View:
    """What a frame shows: its centre as fractions of the picture, and its width as a fraction of the widest view."""

    x: float
    y: float
    width: float


@dataclass(frozen=True)
class CameraPath:
    """A path between two views that starts and stops gently."""

    start: View
    end: View

    def at(self, share: float) -> View:
        """Return the view after the fraction `share` of the time, from 0 to 1."""
        progress = ease(min(max(share, 0.0), 1.0))
        start, end = self.start, self.end
        width = start.width * (end.width / start.width) ** progress  # a constant zoom factor per second looks steady
        zoomed = (width - start.width) / (end.width - start.width) if end.width != start.width else progress
        return View(start.x + (end.x - start.x) * zoomed, start.y + (end.y - start.y) * zoomed, width)


def ease(share: float) -> float:
    """Map 0..1 to 0..1 with a trapezoidal speed profile: a fifth of the time to accelerate, a fifth to brake."""
    ramp = 0.2
    top = 1 / (1 - ramp)
    if share < ramp:
        return top * share * share / (2 * ramp)
    if share > 1 - ramp:
        return 1 - ease(1 - share)
    return top * (share - ramp / 2)


def plan_path(motion: Motion, focus: tuple[float, float], aspect: tuple[float, float], seed: int) -> CameraPath:
    """Return the path of `motion` towards or along `focus`, given as fractions of the picture. `seed` picks the
    direction.

    `aspect` is the width and height of the picture relative to the widest view.
    """
    chance = random.Random(seed)
    if motion == "still":
        return CameraPath(*[View(0.5, 0.5, 1.0)] * 2)
    if motion == "pan":
        return _plan_pan(aspect, focus, 1 / MARGINS["pan"], chance)
    far, near = (1.0, 1 / MAX_ZOOM) if motion == "zoom" else (0.96, 1 / MARGINS["parallax"])
    ends = View(*_clamp_focus(focus, aspect, far), far), View(*_clamp_focus(focus, aspect, near), near)
    return CameraPath(*ends) if chance.random() < 0.7 else CameraPath(*reversed(ends))


def _plan_pan(
    aspect: tuple[float, float], focus: tuple[float, float], width: float, chance: random.Random
) -> CameraPath:
    """Return a pan along the side with more room."""
    room = [1 - width / each for each in aspect]
    turned = chance.random() < 0.5
    if room[0] >= room[1] - 0.02:
        y = _clamp_focus(focus, aspect, width)[1]
        ends = View(0.5 - room[0] / 2, y, width), View(0.5 + room[0] / 2, y, width)
    else:
        x = _clamp_focus(focus, aspect, width)[0]
        ends = View(x, 0.5 - room[1] / 2, width), View(x, 0.5 + room[1] / 2, width)
    return CameraPath(*reversed(ends)) if turned else CameraPath(*ends)


def _clamp_focus(focus: tuple[float, float], aspect: tuple[float, float], width: float) -> tuple[float, float]:
    """Return the centre nearest to `focus` that keeps the view inside the picture."""
    x, y = (min(max(at, width / each / 2), 1 - width / each / 2) for at, each in zip(focus, aspect, strict=True))
    return x, y


def eye_position(share: float, seed: int) -> tuple[float, float]:
    """Return the position of the eye for parallax after the fraction `share` of the time: -1..1 across, and less
    vertically.
    """
    side = 1 if seed % 2 else -1
    return side * (2 * ease(share) - 1), 0.35 * math.sin(math.pi * share)
