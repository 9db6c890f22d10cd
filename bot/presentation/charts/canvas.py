"""A dark canvas: draws text in the bundled font and boxes with smooth round corners, with Pillow."""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

TOP_COLOUR, BOTTOM_COLOUR = "#0c0e14", "#161a28"
SUPERSAMPLING = 4
"""Round corners are drawn this many times larger and then reduced."""
GAP_PIXELS = 3
"""Pixels between the parts of a bar."""

FONTS = Path(__file__).parent / "fonts"

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels. Right and bottom are exclusive."""
Fade = tuple[str, str]
"""The colours at the top and at the bottom."""


class Canvas:
    """A picture to draw on. Colours are written as in CSS."""

    def __init__(self, width: int, height: int) -> None:
        from PIL import ImageDraw

        self._image = _gradient((width, height), (TOP_COLOUR, BOTTOM_COLOUR))
        self._draw = ImageDraw.Draw(self._image)

    def text(self, at: tuple[int, int], words: str, size: int, colour: str, anchor: str = "ls") -> int:
        """Draw `words` and return the x coordinate at which they end.

        `size` is in pixels. `anchor` is Pillow's: "ls" means left, on the baseline.
        """
        font = _font(size)
        self._draw.text(at, words, colour, font, anchor)
        return round(self._draw.textbbox(at, words, font, anchor)[2])

    def box(self, box: Box, colour: str, radius: int = 0) -> None:
        """Draw a box of one colour. `radius` of the corners is in pixels."""
        self.bar(box, [(1, (colour, colour))], radius)

    def bar(self, box: Box, parts: Sequence[tuple[float, Fade]], radius: int) -> None:
        """Draw a box that consists of `parts`, from the top down. Each is a share of the height, 0 to 1, and a fade."""
        left, top, right, bottom = box
        mask = _rounded_mask((right - left, bottom - top), radius)
        column, y = _gradient(mask.size, (BOTTOM_COLOUR, BOTTOM_COLOUR)), 0.0
        for number, (share, colours) in enumerate(parts, start=1):
            height = round(share * mask.height) - (GAP_PIXELS if number < len(parts) else 0)
            column.paste(_gradient((mask.width, max(height, 1)), colours), (0, round(y)))
            y += share * mask.height
        self._image.paste(column, (left, top), mask)

    def png(self) -> bytes:
        """Return the picture as a PNG."""
        data = io.BytesIO()
        self._image.save(data, "PNG", optimize=True)
        return data.getvalue()


def _gradient(size: tuple[int, int], colours: Fade) -> "Image":
    from PIL import Image, ImageColor, ImageOps

    top, bottom = (ImageColor.getrgb(colour)[:3] for colour in colours)
    column = Image.linear_gradient("L").resize((1, size[1]))
    return ImageOps.colorize(column, top, bottom).resize(size)


def _rounded_mask(size: tuple[int, int], radius: int) -> "Image":
    """Return a mask with values from 0 to 255 that is white inside a box with round corners."""
    from PIL import Image, ImageDraw

    large = Image.new("L", (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), radius * SUPERSAMPLING, 255)
    return large.reduce(SUPERSAMPLING)


@cache
def _font(size: int) -> "FreeTypeFont":
    from PIL import ImageFont

    name = "InterDisplay-SemiBold.otf" if size >= 48 else "Inter-Medium.otf"
    return ImageFont.truetype(str(FONTS / name), size, layout_engine=ImageFont.Layout.BASIC)
