import io

import pytest
from PIL import Image, ImageColor

from bot.presentation.charts.stats_chart import (
    BAR,
    BOTTOM,
    CORAL,
    HEIGHT,
    MARGIN,
    SLOT,
    TEAL,
    TOP,
    VIOLET,
    WIDTH,
    Tile,
    draw,
)
from storage.store import Hour


def day(**hours: tuple[int, int, int]) -> list[Hour]:
    """Return 24 hours; `h3=(done, failed, cached)` sets the fourth."""
    return [Hour(number * 3600.0, *hours.get(f"h{number}", (0, 0, 0))) for number in range(24)]


def column(hours: list[Hour], number: int) -> list[tuple[int, int, int]]:
    """Return the pixels down the middle of a bar."""
    picture = Image.open(io.BytesIO(draw(hours, [], "en"))).convert("RGB")
    x = MARGIN + number * SLOT + BAR // 2
    return [picture.getpixel((x, y)) for y in range(TOP - 4, BOTTOM)]  # type: ignore[misc]  # RGB


def near(pixel: tuple[int, int, int], fade: tuple[str, str]) -> bool:
    """Return whether the pixel has a colour of the fade."""
    ends = [ImageColor.getrgb(colour) for colour in fade]
    return all(min(a, b) - 3 <= channel <= max(a, b) + 3 for channel, a, b in zip(pixel, *ends, strict=True))


def height(hours: list[Hour], number: int, fade: tuple[str, str]) -> int:
    return sum(near(pixel, fade) for pixel in column(hours, number))


def test_the_picture_has_its_size_and_is_a_small_png() -> None:
    png = draw(day(h3=(5, 1, 2)), [Tile("typical wait", "0.2 s")], "en")
    picture = Image.open(io.BytesIO(png))
    assert (picture.format, picture.size) == ("PNG", (WIDTH, HEIGHT))
    assert len(png) < 200_000


def test_the_height_of_a_bar_is_proportional_to_its_jobs() -> None:
    hours = day(h2=(40, 0, 0), h5=(20, 0, 0), h9=(0, 0, 10))
    assert height(hours, 2, VIOLET) == pytest.approx(BOTTOM - TOP, abs=4)
    assert height(hours, 5, VIOLET) == pytest.approx((BOTTOM - TOP) / 2, abs=4)
    assert height(hours, 9, TEAL) == pytest.approx((BOTTOM - TOP) / 4, abs=4)
    assert height(hours, 10, VIOLET) == 0


def test_a_bar_has_failed_jobs_above_cached_above_new_ones() -> None:
    hours = day(h4=(20, 5, 15))
    kinds = [name for pixel in column(hours, 4) for name, fade in KINDS.items() if near(pixel, fade)]
    assert sorted(set(kinds), key=kinds.index) == ["failed", "cached", "made"]


def test_a_day_without_jobs_and_one_with_a_single_job_are_drawn() -> None:
    assert len(draw(day(), [], "es")) > 1000
    assert height(day(h23=(0, 1, 0)), 23, CORAL) > 50


def test_the_text_is_in_the_users_language() -> None:
    assert draw(day(), [], "en") != draw(day(), [], "es")


KINDS = {"failed": CORAL, "cached": TEAL, "made": VIOLET}
