"""Sizes in pixels that SDXL was trained for. `side` is the side of the model's square: 1024 for SDXL."""

import math

from engine.core.errors import BadInput

Extent = tuple[int, int]
"""Width and height in pixels."""

BUCKETS = (
    *((8, long) for long in (32, 31, 30, 29)),
    *((9, long) for long in (28, 27, 26)),
    *((10, long) for long in (25, 24)),
    *((11, long) for long in (23, 22, 21)),
    *((12, long) for long in (21, 20)),
    *((13, long) for long in (19, 18)),
    *((14, long) for long in (18, 17)),
    *((15, long) for long in (17, 16)),
    (16, 16),
)
"""Short and long side in sixteenths of the square's (Podell et al. 2023, appendix I)."""
RATIOS = {"square": (1, 1), "wide": (7, 4), "tall": (4, 7)}
"""Named shapes as width and height. Other shapes are ratios, such as 3:2."""
MAX_AREA_RATIO = 1.25
"""Largest area in multiples of the square's. Beyond it subjects are doubled and memory runs out."""


def of_shape(shape: str, side: int) -> Extent:
    """Return the bucket for `square`, `wide`, `tall`, or a ratio such as `3:2`."""
    width, height = RATIOS.get(shape) or map(int, shape.split(":"))
    return of_ratio(width / height, side)


def of_ratio(ratio: float, side: int) -> Extent:
    """Return the bucket nearest to `ratio`, width over height."""
    short, long = min(BUCKETS, key=lambda each: abs(math.log(each[1] / each[0]) - abs(math.log(ratio))))
    width, height = (long, short) if ratio >= 1 else (short, long)
    return multiple_of_8(width * side / 16), multiple_of_8(height * side / 16)


def exact(width: int, height: int, side: int) -> Extent:
    """Return the requested size. Raises BadInput if the model cannot draw it."""
    low, high = side // 2, side * 2
    for option, value in (("width", width), ("height", height)):
        if not low <= value <= high:
            raise BadInput(
                "{option} is {value}; with this model it must be {low} to {high}.",
                option=option,
                value=value,
                low=low,
                high=high,
            )
    if width * height > MAX_AREA_RATIO * side**2:
        raise BadInput(
            "{width} x {height} is too large for this model. Width times height must be at most {most:,}.",
            width=width,
            height=height,
            most=int(MAX_AREA_RATIO * side**2),
        )
    return width, height


def multiple_of_8(pixels: float) -> int:
    """Return the multiple of 8 nearest to `pixels`."""
    return round(pixels / 8) * 8
