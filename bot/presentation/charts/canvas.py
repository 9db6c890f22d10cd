"""A dark sheet to draw on with Pillow: text in our own font, and shapes with smooth round corners."""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

NIGHT, DUSK = "#0c0e14", "#161a28"
SUPERSAMPLING = 4
"""Round corners are drawn this many times larger and reduced."""
GAP_PIXELS = 3
"""Pixels between the parts of a bar."""

FONTS = Path(__file__).parent / "fonts"

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom are outside."""
Fade = tuple[str, str]
"""Two colours, from top to bottom."""


class Canvas:
    """Colours are as in CSS."""

    def __init__(self, width: int, height: int) -> None:
        from PIL import ImageDraw

        self._image = _gradient((width, height), (NIGHT, DUSK))
        self._draw = ImageDraw.Draw(self._image)

    def text(self, at: tuple[int, int], words: str, size: int, colour: str, anchor: str = "ls") -> int:
        """Returns the x at which the text ends. `anchor` is Pillow's; "ls" is left, on the baseline."""
        font = _font(size)
        self._draw.text(at, words, colour, font, anchor)
        return round(self._draw.textbbox(at, words, font, anchor)[2])

    def box(self, box: Box, colour: str, radius: int = 0) -> None:
        self.bar(box, [(1, (colour, colour))], radius)

    def bar(self, box: Box, parts: Sequence[tuple[float, Fade]], radius: int) -> None:
        """A box in `parts` from the top down, each a share of its height and a fade."""
        left, top, right, bottom = box
        mask = _rounded_mask((right - left, bottom - top), radius)
        column, y = _gradient(mask.size, (DUSK, DUSK)), 0.0
        for number, (share, colours) in enumerate(parts, start=1):
            height = round(share * mask.height) - (GAP_PIXELS if number < len(parts) else 0)
            column.paste(_gradient((mask.width, max(height, 1)), colours), (0, round(y)))
            y += share * mask.height
        self._image.paste(column, (left, top), mask)

    def png(self) -> bytes:
        data = io.BytesIO()
        self._image.save(data, "PNG", optimize=True)
        return data.getvalue()


def _gradient(size: tuple[int, int], colours: Fade) -> "Image":
    from PIL import Image, ImageColor, ImageOps

    top, bottom = (ImageColor.getrgb(colour)[:3] for colour in colours)
    column = Image.linear_gradient("L").resize((1, size[1]))
    return ImageOps.colorize(column, top, bottom).resize(size)


def _rounded_mask(size: tuple[int, int], radius: int) -> "Image":
    """Where a box with round corners is, 0 to 255."""
    from PIL import Image, ImageDraw

    large = Image.new("L", (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), radius * SUPERSAMPLING, 255)
    return large.reduce(SUPERSAMPLING)


@cache
def _font(size: int) -> "FreeTypeFont":
    from PIL import ImageFont

    name = "InterDisplay-SemiBold.otf" if size >= 48 else "Inter-Medium.otf"
    return ImageFont.truetype(str(FONTS / name), size, layout_engine=ImageFont.Layout.BASIC)
