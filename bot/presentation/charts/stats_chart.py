"""The chart of the last 24 hours that /stats shows: one bar for each hour, dark and large enough for a phone."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot.i18n.format import format_number
from bot.i18n.translate import Language, translate
from bot.presentation.charts.canvas import Canvas
from storage.store import Hour

WIDTH, HEIGHT, MARGIN = 1080, 1000, 64
TOP, BOTTOM = 396, 706
SLOT, BAR = 37, 28
"""Pixels from one bar to the next, and the width of a bar."""
RIGHT = MARGIN + 24 * SLOT - (SLOT - BAR)

PANEL, GRID, WHITE, MUTED = "#1b2030", "#262c3d", "#f3f5fa", "#939cb3"
VIOLET, TEAL, CORAL = ("#9a8bff", "#6550e6"), ("#4fe0c6", "#1fa894"), ("#ff8a80", "#e5484d")


@dataclass(frozen=True)
class Tile:
    """A figure at the bottom of the chart."""

    label: str
    value: str


def draw(hours: Sequence[Hour], tiles: Sequence[Tile], language: Language) -> bytes:
    """Return a PNG of WIDTH x HEIGHT pixels with 24 `hours`, oldest first, and up to four `tiles`.

    This is slow: call it in a thread.
    """
    canvas = Canvas(WIDTH, HEIGHT)
    _head(canvas, hours, language)
    _legend(canvas, hours, language)
    step, top = _scale(max(_total(hour) for hour in hours))
    for tick in range(step, top + 1, step):
        _line(canvas, tick, top, language)
    for number, hour in enumerate(hours):
        _bar(canvas, MARGIN + number * SLOT, hour, top)
    _clock(canvas, hours, language)
    _tiles(canvas, tiles)
    return canvas.png()


def _head(canvas: Canvas, hours: Sequence[Hour], language: Language) -> None:
    total = sum(map(_total, hours))
    canvas.text((MARGIN, 100), translate("The last 24 hours", language), 36, MUTED)
    end = canvas.text((MARGIN - 4, 218), format_number(total, language), 124, WHITE)
    canvas.text((end + 22, 218), translate("job", language, plural="jobs", count=total), 44, MUTED)


def _legend(canvas: Canvas, hours: Sequence[Hour], language: Language) -> None:
    x = MARGIN
    for colours, name, count in (
        (VIOLET, translate("made", language), sum(hour.done for hour in hours)),
        (TEAL, translate("from the cache", language), sum(hour.cached for hour in hours)),
        (CORAL, translate("failed", language), sum(hour.failed for hour in hours)),
    ):
        canvas.box((x, 284, x + 22, 306), colours[0], 11)
        x = canvas.text((x + 36, 306), format_number(count, language), 34, WHITE)
        x = canvas.text((x + 10, 306), name, 34, MUTED) + 52


def _line(canvas: Canvas, tick: int, top: int, language: Language) -> None:
    y = round(BOTTOM - (BOTTOM - TOP) * tick / top)
    canvas.box((MARGIN, y - 1, RIGHT, y), GRID)
    label = f"{format_number(tick / 1000, language, 'g')}k" if tick >= 1000 else str(tick)
    canvas.text((WIDTH - MARGIN, y), label, 28, MUTED, "rm")


def _bar(canvas: Canvas, x: int, hour: Hour, top: int) -> None:
    total = _total(hour)
    if total == 0:
        canvas.box((x, BOTTOM - 6, x + BAR, BOTTOM), GRID, 3)
        return
    height = max(round((BOTTOM - TOP) * total / top), 14)
    counted = ((hour.failed, CORAL), (hour.cached, TEAL), (hour.done, VIOLET))
    parts = [(count / total, colours) for count, colours in counted if count]
    canvas.bar((x, BOTTOM - height, x + BAR, BOTTOM), parts, 7)


def _clock(canvas: Canvas, hours: Sequence[Hour], language: Language) -> None:
    """Write the local time under every sixth bar, and "now" under the last one."""
    for number in range(0, 24, 6):
        label = time.strftime("%H:%M", time.localtime(hours[number].start))
        canvas.text((MARGIN + number * SLOT, BOTTOM + 46), label, 28, MUTED)
    canvas.text((RIGHT, BOTTOM + 46), translate("now", language), 28, WHITE, "rs")


def _tiles(canvas: Canvas, tiles: Sequence[Tile]) -> None:
    gap = 20
    width = (WIDTH - 2 * MARGIN + gap) // max(len(tiles), 1) - gap
    for number, tile in enumerate(tiles):
        x = MARGIN + number * (width + gap)
        canvas.box((x, 800, x + width, 940), PANEL, 22)
        canvas.text((x + 28, 868), tile.value, 48, WHITE)
        canvas.text((x + 28, 916), tile.label, 28, MUTED)


def _total(hour: Hour) -> int:
    return hour.done + hour.failed + hour.cached


def _scale(highest: int) -> tuple[int, int]:
    """Return the step between the grid lines and the value at the top.

    There are three or four steps, of 1, 2 or 5 times a power of ten.
    """
    rough = max(highest, 3) / 4
    power = 10 ** max(math.floor(math.log10(rough)), 0)
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return step, step * max(math.ceil(highest / step), 3)
