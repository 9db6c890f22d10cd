"""Draw each user's waiting time under two orders: users across, sorted, and seconds up, on a logarithmic scale."""

import io
import math
from collections.abc import Mapping

from PIL import Image, ImageDraw, ImageFont

from bench.lib.scheduler_simulation import GREEDY
from bot.presentation.charts.canvas import FONTS

WIDTH, HEIGHT, FINE = 1200, 640, 2
LEFT, RIGHT, TOP, BOTTOM = 110, 1160, 110, 560
PAPER, INK, FAINT = "#fbfaf7", "#22252e", "#d9d7d0"
FIRST, FAIR = "#d1602b", "#1f6fb2"
TICKS = {1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 36000: "10 h"}
LOWEST, HIGHEST = 0.7, 60000.0


def plot(first: Mapping[str, float], fair: Mapping[str, float]) -> bytes:
    """Return a PNG of each user's 95th percentile of waiting, in seconds, under both orders."""
    image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), PAPER)
    draw = ImageDraw.Draw(image)
    _frame(draw)
    people = [*sorted(fair.keys() - {GREEDY}, key=lambda user: fair[user]), GREEDY]
    for place, user in enumerate(people):
        x = LEFT + (RIGHT - LEFT) * (place + 0.5) / len(people)
        top, bottom = _up(first[user]), _up(fair[user])
        draw.line((x * FINE, top * FINE, x * FINE, bottom * FINE), FAINT, FINE)
        for y, colour in ((top, FIRST), (bottom, FAIR)):
            _dot(draw, x, y, colour, large=user == GREEDY)
    _text(draw, (RIGHT + 2, _up(fair[GREEDY]) - 20), "the greedy one", FAIR, anchor="rm")
    smooth = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    smooth.save(data, "PNG", optimize=True)
    return data.getvalue()


def _frame(draw: ImageDraw.ImageDraw) -> None:
    _text(
        draw, (LEFT, 40), "How long each of 200 people waited on a day when one of them queued 1,000 jobs", INK, size=22
    )
    _text(draw, (LEFT, 76), "95th percentile per person:", INK)
    _dot(draw, LEFT + 212, 76, FIRST, large=True)
    _text(draw, (LEFT + 225, 76), "first in, first out", FIRST)
    _dot(draw, LEFT + 382, 76, FAIR, large=True)
    _text(draw, (LEFT + 395, 76), "engine.host.scheduler", FAIR)
    for seconds, words in TICKS.items():
        y = _up(seconds)
        draw.line((LEFT * FINE, y * FINE, RIGHT * FINE, y * FINE), FAINT, 1)
        _text(draw, (LEFT - 12, y), words, INK, anchor="rm")
    _text(draw, (LEFT, BOTTOM + 30), "people, by their waiting under engine.host.scheduler", INK)


def _up(seconds: float) -> float:
    share = math.log(max(seconds, LOWEST) / LOWEST) / math.log(HIGHEST / LOWEST)
    return BOTTOM - (BOTTOM - TOP) * share


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, colour: str, *, large: bool) -> None:
    radius = 5 if large else 2.4
    draw.ellipse(tuple(FINE * each for each in (x - radius, y - radius, x + radius, y + radius)), colour)


def _text(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], words: str, colour: str, *, size: int = 15, anchor: str = "lm"
) -> None:
    font = ImageFont.truetype(FONTS / "Inter-Medium.otf", size * FINE)
    draw.text((at[0] * FINE, at[1] * FINE), words, colour, font, anchor)
