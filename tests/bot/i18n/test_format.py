import pytest

from bot.i18n.format import format_bytes, format_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 ms"),
        (0, "0 ms"),
        (0.004, "4 ms"),
        (0.0949, "95 ms"),
        (0.095, "0.1 s"),
        (5, "5 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3599.6, "1 h"),
        (7260, "2 h 1 min"),
        (187_200, "2 d 4 h"),
        (86_400, "1 d"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (15 * 10**9, "15.0 GB")])
def test_sizes_have_decimal_units(count: int, text: str) -> None:
    assert format_bytes(count).lower() == text.lower()
