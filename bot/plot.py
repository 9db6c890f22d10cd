"""The picture of the last day that /stats shows: one bar an hour, drawn dark and large enough for a phone."""

import io
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bot.words import Language, say
from storage.store import Hour

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

WIDTH, HEIGHT = 1080, 1000
SCALE = 2
"""Drawn this many times larger and reduced, which smooths every edge."""

MARGIN = 64
LEFT, RIGHT = MARGIN, WIDTH - MARGIN - 44
TOP, BOTTOM = 396, 706
GAP = 3

NIGHT, DUSK, PANEL, GRID = "#0c0e14", "#161a28", "#1b2030", "#262c3d"
WHITE, MUTED = "#f3f5fa", "#939cb3"
VIOLET, TEAL, CORAL = ("#9a8bff", "#6550e6"), ("#4fe0c6", "#1fa894"), ("#ff8a80", "#e5484d")

FONTS = Path(__file__).parent / "fonts"


@dataclass(frozen=True)
class Tile:
    """A figure at the foot of the picture."""

    label: str
    value: str


def draw(hours: Sequence[Hour], tiles: Sequence[Tile], language: Language) -> bytes:
    """A PNG of WIDTH x HEIGHT pixels: `hours` oldest first, up to four `tiles`. Slow: call it in a thread."""
    sheet = _Sheet()
    _head(sheet, hours, language)
    _legend(sheet, hours, language)
    _grid(sheet, hours)
    _bars(sheet, hours)
    _clock(sheet, hours, language)
    _tiles(sheet, tiles)
    return sheet.png()


class _Sheet:
    """A canvas in the picture's own pixels."""

    def __init__(self) -> None:
        from PIL import ImageDraw

        self.image = _fade((WIDTH * SCALE, HEIGHT * SCALE), (NIGHT, DUSK))
        self._draw = ImageDraw.Draw(self.image)

    def text(self, at: tuple[float, float], words: str, size: int, colour: str, anchor: str = "ls") -> float:
        """Returns the x at which the text ends. `anchor` is Pillow's; "ls" is left, on the baseline."""
        font = _font(size)
        place = (at[0] * SCALE, at[1] * SCALE)
        self._draw.text(place, words, colour, font, anchor)
        return self._draw.textbbox(place, words, font, anchor)[2] / SCALE

    def box(self, box: tuple[float, float, float, float], colour: str, radius: float = 0) -> None:
        self._draw.rounded_rectangle([round(edge * SCALE) for edge in box], radius * SCALE, colour)

    def stack(self, box: tuple[float, float, float, float], parts: Sequence[tuple[float, tuple[str, str]]]) -> None:
        """A bar with round corners; `parts` from the top down, each a share of its height and a fade."""
        from PIL import Image, ImageDraw

        left, top, right, bottom = (round(edge * SCALE) for edge in box)
        bar = Image.new("RGB", (right - left, bottom - top), DUSK)
        y = 0.0
        for share, colours in parts:
            height = share * bar.height
            piece = max(round(height) - (GAP * SCALE if y + height < bar.height - 1 else 0), 1)
            bar.paste(_fade((bar.width, piece), colours), (0, round(y)))
            y += height
        mask = Image.new("L", bar.size)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, bar.width - 1, bar.height - 1), 7 * SCALE, 255)
        self.image.paste(bar, (left, top), mask)

    def png(self) -> bytes:
        data = io.BytesIO()
        self.image.reduce(SCALE).save(data, "PNG", optimize=True)
        return data.getvalue()


def _head(sheet: _Sheet, hours: Sequence[Hour], language: Language) -> None:
    total = sum(_total(hour) for hour in hours)
    sheet.text((MARGIN, 100), say("The last 24 hours", language), 36, MUTED)
    end = sheet.text((MARGIN - 4, 218), f"{total:,}".replace(",", "\u202f"), 124, WHITE)
    sheet.text((end + 22, 218), say("job" if total == 1 else "jobs", language), 44, MUTED)


def _legend(sheet: _Sheet, hours: Sequence[Hour], language: Language) -> None:
    x: float = MARGIN
    for colours, name, count in (
        (VIOLET, say("made", language), sum(hour.done for hour in hours)),
        (TEAL, say("from the cache", language), sum(hour.cached for hour in hours)),
        (CORAL, say("failed", language), sum(hour.failed for hour in hours)),
    ):
        sheet.box((x, 284, x + 22, 306), colours[0], 11)
        x = sheet.text((x + 36, 306), f"{count} ", 34, WHITE)
        x = sheet.text((x, 306), name, 34, MUTED) + 52


def _grid(sheet: _Sheet, hours: Sequence[Hour]) -> None:
    step, top = _ticks(max((_total(hour) for hour in hours), default=0))
    for tick in range(step, top + 1, step):
        y = BOTTOM - (BOTTOM - TOP) * tick / top
        sheet.box((LEFT, y - 1, RIGHT, y), GRID)
        sheet.text((WIDTH - MARGIN, y), str(tick), 28, MUTED, "rm")


def _bars(sheet: _Sheet, hours: Sequence[Hour]) -> None:
    _, top = _ticks(max((_total(hour) for hour in hours), default=0))
    slot = (RIGHT - LEFT) / len(hours)
    for number, hour in enumerate(hours):
        x, width = LEFT + number * slot, slot - 9
        height = max((BOTTOM - TOP) * _total(hour) / top, 14)
        if _total(hour) == 0:
            sheet.box((x, BOTTOM - 6, x + width, BOTTOM), GRID, 3)
            continue
        counted = ((hour.failed, CORAL), (hour.cached, TEAL), (hour.done, VIOLET))
        parts = [(count / _total(hour), colours) for count, colours in counted if count]
        sheet.stack((x, BOTTOM - height, x + width, BOTTOM), parts)


def _clock(sheet: _Sheet, hours: Sequence[Hour], language: Language) -> None:
    """The machine's own time under every sixth hour, and where now is."""
    slot = (RIGHT - LEFT) / len(hours)
    for number in range(0, len(hours) - 3, 6):
        x = LEFT + number * slot
        sheet.text((x, BOTTOM + 46), time.strftime("%H:%M", time.localtime(hours[number].start)), 28, MUTED)
    sheet.text((RIGHT - 9, BOTTOM + 46), say("now", language), 28, WHITE, "rs")


def _tiles(sheet: _Sheet, tiles: Sequence[Tile]) -> None:
    width = (WIDTH - 2 * MARGIN - 20 * (len(tiles) - 1)) / max(len(tiles), 1)
    for number, tile in enumerate(tiles):
        x = MARGIN + number * (width + 20)
        sheet.box((x, 800, x + width, 940), PANEL, 22)
        sheet.text((x + 28, 868), tile.value, 48, WHITE)
        sheet.text((x + 28, 916), tile.label, 28, MUTED)


def _total(hour: Hour) -> int:
    return hour.done + hour.failed + hour.cached


def _ticks(highest: int) -> tuple[int, int]:
    """The step between grid lines and the top of the scale: three or four steps of 1, 2 or 5 times a power of ten."""
    rough = max(highest, 3) / 4
    power = 10 ** max(math.floor(math.log10(rough)), 0)
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return step, step * max(math.ceil(highest / step), 3)


def _fade(size: tuple[int, int], colours: tuple[str, str]) -> "Image":
    """`colours` from top to bottom."""
    from PIL import Image, ImageColor, ImageOps

    top, bottom = (ImageColor.getrgb(colour)[:3] for colour in colours)
    column = Image.linear_gradient("L").resize((1, size[1]))
    return ImageOps.colorize(column, top, bottom).resize(size)


@cache
def _font(size: int) -> "FreeTypeFont":
    from PIL import ImageFont

    name = "InterDisplay-SemiBold.otf" if size >= 48 else "Inter-Medium.otf"
    return ImageFont.truetype(str(FONTS / name), size * SCALE, layout_engine=ImageFont.Layout.BASIC)
