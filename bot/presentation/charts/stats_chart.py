"""The picture of the last day that /stats shows: one bar an hour, drawn dark and large enough for a phone."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot.i18n.translate import Language, translate
from bot.presentation.charts.canvas import Canvas
from storage.store import Hour

WIDTH, HEIGHT, MARGIN = 1080, 1000, 64
TOP, BOTTOM = 396, 706
SLOT, BAR = 37, 28
"""Pixels from one hour's bar to the next, and of a bar."""
RIGHT = MARGIN + 24 * SLOT - (SLOT - BAR)

PANEL, GRID, WHITE, MUTED = "#1b2030", "#262c3d", "#f3f5fa", "#939cb3"
VIOLET, TEAL, CORAL = ("#9a8bff", "#6550e6"), ("#4fe0c6", "#1fa894"), ("#ff8a80", "#e5484d")


@dataclass(frozen=True)
class Tile:
    """A figure at the foot of the picture."""

    label: str
    value: str


def draw(hours: Sequence[Hour], tiles: Sequence[Tile], language: Language) -> bytes:
    """A PNG of WIDTH x HEIGHT pixels: 24 `hours`, oldest first, and up to four `tiles`. Slow: call it in a thread."""
    sheet = Canvas(WIDTH, HEIGHT)
    _head(sheet, hours, language)
    _legend(sheet, hours, language)
    step, top = _scale(max(_total(hour) for hour in hours))
    for tick in range(step, top + 1, step):
        _line(sheet, tick, top)
    for number, hour in enumerate(hours):
        _bar(sheet, MARGIN + number * SLOT, hour, top)
    _clock(sheet, hours, language)
    _tiles(sheet, tiles)
    return sheet.png()


def _head(sheet: Canvas, hours: Sequence[Hour], language: Language) -> None:
    total = sum(map(_total, hours))
    sheet.text((MARGIN, 100), translate("The last 24 hours", language), 36, MUTED)
    end = sheet.text((MARGIN - 4, 218), f"{total:,}".replace(",", "\N{NARROW NO-BREAK SPACE}"), 124, WHITE)
    sheet.text((end + 22, 218), translate("job" if total == 1 else "jobs", language), 44, MUTED)


def _legend(sheet: Canvas, hours: Sequence[Hour], language: Language) -> None:
    x = MARGIN
    for colours, name, count in (
        (VIOLET, translate("made", language), sum(hour.done for hour in hours)),
        (TEAL, translate("from the cache", language), sum(hour.cached for hour in hours)),
        (CORAL, translate("failed", language), sum(hour.failed for hour in hours)),
    ):
        sheet.box((x, 284, x + 22, 306), colours[0], 11)
        x = sheet.text((x + 36, 306), str(count), 34, WHITE)
        x = sheet.text((x + 10, 306), name, 34, MUTED) + 52


def _line(sheet: Canvas, tick: int, top: int) -> None:
    y = round(BOTTOM - (BOTTOM - TOP) * tick / top)
    sheet.box((MARGIN, y - 1, RIGHT, y), GRID)
    words = f"{tick / 1000:g}k" if tick >= 1000 else str(tick)
    sheet.text((WIDTH - MARGIN, y), words, 28, MUTED, "rm")


def _bar(sheet: Canvas, x: int, hour: Hour, top: int) -> None:
    total = _total(hour)
    if total == 0:
        sheet.box((x, BOTTOM - 6, x + BAR, BOTTOM), GRID, 3)
        return
    height = max(round((BOTTOM - TOP) * total / top), 14)
    counted = ((hour.failed, CORAL), (hour.cached, TEAL), (hour.done, VIOLET))
    parts = [(count / total, colours) for count, colours in counted if count]
    sheet.bar((x, BOTTOM - height, x + BAR, BOTTOM), parts, 7)


def _clock(sheet: Canvas, hours: Sequence[Hour], language: Language) -> None:
    """The machine's own time under every sixth hour, and where now is."""
    for number in range(0, 24, 6):
        words = time.strftime("%H:%M", time.localtime(hours[number].start))
        sheet.text((MARGIN + number * SLOT, BOTTOM + 46), words, 28, MUTED)
    sheet.text((RIGHT, BOTTOM + 46), translate("now", language), 28, WHITE, "rs")


def _tiles(sheet: Canvas, tiles: Sequence[Tile]) -> None:
    gap = 20
    width = (WIDTH - 2 * MARGIN + gap) // max(len(tiles), 1) - gap
    for number, tile in enumerate(tiles):
        x = MARGIN + number * (width + gap)
        sheet.box((x, 800, x + width, 940), PANEL, 22)
        sheet.text((x + 28, 868), tile.value, 48, WHITE)
        sheet.text((x + 28, 916), tile.label, 28, MUTED)


def _total(hour: Hour) -> int:
    return hour.done + hour.failed + hour.cached


def _scale(highest: int) -> tuple[int, int]:
    """The step between grid lines and the top: three or four steps of 1, 2 or 5 times a power of ten."""
    rough = max(highest, 3) / 4
    power = 10 ** max(math.floor(math.log10(rough)), 0)
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return step, step * max(math.ceil(highest / step), 3)
