import pytest

from bot.i18n.format import format_bytes, format_duration, format_number, format_share
from bot.i18n.translate import Language, translate
from engine.core.errors import UserMessage


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
    assert format_duration(seconds, "en") == text
    assert format_duration(seconds, "es") == text.replace(".", ",")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1500, "1.5 kB"),
        (999_960, "1 MB"),
        (26_214_400, "26.2 MB"),
        (15 * 10**9, "15 GB"),
        (3 * 10**15, "3000 TB"),
    ],
)
def test_sizes_have_decimal_units(count: int, text: str) -> None:
    assert format_bytes(count, "en") == text
    assert format_bytes(count, "es") == text.replace(".", ",")


@pytest.mark.parametrize(
    ("number", "english", "spanish"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (1234, "1,234", "1234"),
        (12_345, "12,345", "12.345"),
        (-12_345, "-12,345", "-12.345"),
        (67_108_864, "67,108,864", "67.108.864"),
        (3.5, "3.5", "3,5"),
        (12_345.25, "12,345.25", "12.345,25"),
    ],
)
def test_quantities_have_the_separators_of_the_language(number: float, english: str, spanish: str) -> None:
    assert [format_number(number, "en"), format_number(number, "es")] == [english, spanish]


def test_percentages_are_written_as_in_the_language() -> None:
    assert [format_share(0.456, "en"), format_share(0.456, "es")] == ["46%", "46\N{NO-BREAK SPACE}%"]


@pytest.mark.parametrize(
    ("template", "fact", "english", "spanish"),
    [
        ("{x:,}", 12_000, "12,000", "12.000"),
        ("{x:g} s", 3.5, "3.5 s", "3,5 s"),
        ("{x:g} s", 6.0, "6 s", "6 s"),
        ("{x:.1f}", 2.0, "2.0", "2,0"),
        ("{x:bytes}", 1_500_000, "1.5 MB", "1,5 MB"),
        ("{x:duration}", 3.5, "3.5 s", "3,5 s"),
        ("{x:.0%}", 0.5, "50%", "50\N{NO-BREAK SPACE}%"),
        ("{x}", 0.5, "0.5", "0.5"),
        ("{x}", 1_000_000, "1000000", "1000000"),
        ("{x}", "text", "text", "text"),
    ],
)
def test_the_format_in_a_template_says_how_a_number_is_shown(
    template: str, fact: str | float, english: str, spanish: str
) -> None:
    assert str(UserMessage(template=template, facts={"x": fact})) == english
    languages: tuple[Language, ...] = ("en", "es")
    assert [translate(template, language, x=fact) for language in languages] == [english, spanish]


@pytest.mark.parametrize("form", [",", "bytes", "duration", ".1f"])
def test_a_text_where_a_number_belongs_is_an_error(form: str) -> None:
    for language in ("en", "es"):
        with pytest.raises((TypeError, ValueError)):
            translate(f"{{x:{form}}}", language, x="12 MB")
