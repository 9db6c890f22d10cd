"""Chooses the scale of an enlargement that did not ask for one: the largest whose result is within the limits."""

from dataclasses import dataclass

from engine.core.errors import UserMessage

AUTOMATIC_SCALES = (4.0, 2.0)
"""The scales to choose from, best first. The last is also the smallest that may be asked for."""


@dataclass(frozen=True)
class Limit:
    """The largest result: its number of pixels, and its longer side in pixels if its format limits that."""

    pixels: int
    side: int | None = None

    def allows(self, size: tuple[int, int]) -> bool:
        """Return whether a result of `size`, (height, width), is within the limit."""
        return size[0] * size[1] <= self.pixels and not self.is_too_long(size)

    def is_too_long(self, size: tuple[int, int]) -> bool:
        """Return whether the longer side of `size` is over the limit."""
        return self.side is not None and max(size) > self.side


def result_size(extent: tuple[int, int], scale: float) -> tuple[int, int]:
    """Return the height and width of a picture of `extent`, (height, width), at `scale`."""
    return round(extent[0] * scale), round(extent[1] * scale)


def choose_scale(wanted: float | None, extent: tuple[int, int], limit: Limit) -> tuple[float, tuple[UserMessage, ...]]:
    """Return the scale for a picture or frame of `extent`, (height, width), and a note if it is not the best one.

    A scale that was asked for is returned as it is. The result is over the limit if no scale keeps it within.
    """
    if wanted is not None:
        return wanted, ()
    best, *others = AUTOMATIC_SCALES
    if limit.allows(result_size(extent, best)):
        return best, ()
    scale = next((each for each in others if limit.allows(result_size(extent, each))), others[-1])
    return scale, (_note(scale, best, extent, limit),)


def _note(scale: float, best: float, extent: tuple[int, int], limit: Limit) -> UserMessage:
    height, width = size = result_size(extent, best)
    facts = {"scale": scale, "best": best, "width": width, "height": height}
    if limit.is_too_long(size):
        template = (
            "Enlarged at scale {scale:g}. Scale {best:g} would give {width} x {height} pixels; the limit for a side is"
            " {bound:,}."
        )
        return UserMessage(template=template, facts={**facts, "bound": limit.side or 0})
    template = (
        "Enlarged at scale {scale:g}. Scale {best:g} would give {width} x {height} pixels; the limit is {bound:,}."
    )
    return UserMessage(template=template, facts={**facts, "bound": limit.pixels})
