"""Lines that fit the frame in every script, drawn by the real libass in the fonts that fit the text."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tasks.subtitle.cues import PLAIN, Cue, Style, Word, join_words
from engine.tasks.subtitle.drawing.fitting import TextArea
from engine.tasks.subtitle.drawing.fonts import EMOJI, SYMBOLS, guess_language
from engine.tasks.subtitle.drawing.styles import SubtitleStyle, format_ass
from engine.tasks.subtitle.drawing.typefaces import load_typefaces
from engine.tasks.subtitle.files.markup import Span
from engine.tasks.subtitle.files.time_sharing import share_time
from engine.weights.registry import weights_folder
from tests.engine.tasks.subtitle.drawing.drawn_frames import inked, page

FONTS = load_typefaces(weights_folder(Path("data")))
CHINESE = "这是一个非常长的中文字幕行没有任何空格因此必须在屏幕宽度内自动换行否则文字会超出画面的两侧边缘"
JAPANESE = (
    "日本語の字幕です。とても長い行なので、自動的に折り返されなければなりません。そうでないと画面からはみ出します。"
)
THAI = "วันนี้อากาศดีมากเราจะไปเที่ยวทะเลกันกับเพื่อนๆและครอบครัวทุกคนในช่วงวันหยุดยาวที่จะถึงนี้"
ADDRESS = "https://www.example.com/a/very/long/path/that/goes/on?and=on&until=it-runs-off#end"
COMPOUND = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
ARABIC = "مرحبا بالعالم، هذا نص طويل جدا يجب أن ينكسر على سطرين لأنه لا يتسع له سطر واحد في الصورة"
LONGEST = "word " * 200


def cue(text: str) -> Cue:
    return Cue(0.0, 2.0, share_time([[Span(line)] for line in text.split("\n")], 0.0, 2.0))


def fitted(text: str, width: float, language: str = "en", height: float = 1000) -> list[str]:
    return [join_words(line) for line in TextArea(width, height, FONTS, language).fit(cue(text), PLAIN).lines]


@pytest.mark.parametrize("text", [CHINESE, JAPANESE, THAI, ADDRESS, COMPOUND, ARABIC, LONGEST])
@pytest.mark.parametrize("size", [(320, 180), (180, 320)])
@pytest.mark.parametrize("style", ["plain", "large"])
def test_no_letter_is_drawn_at_the_frames_edge(text: str, size: tuple[int, int], style: str, tmp_path: Path) -> None:
    look = SubtitleStyle(style, *size, size=12 if style == "large" else None, language=guess_language(text))
    ink = inked(page(tmp_path, [cue(text)], look, 0.5))
    assert ink.sum() > 100
    for edge in (ink[:, :4], ink[:, -4:], ink[:2], ink[-2:]):
        assert edge.sum() == 0


@pytest.mark.parametrize("text", [CHINESE, JAPANESE, THAI, ADDRESS])
def test_breaking_loses_no_character(text: str) -> None:
    lines = fitted(text, 12)
    assert len(lines) > 2
    assert "".join(lines) == text


def test_a_compound_is_hyphenated_and_keeps_its_letters() -> None:
    *most, last = fitted(COMPOUND, 12)
    assert all(line.endswith("-") for line in most)
    assert "".join(line.removesuffix("-") for line in most) + last == COMPOUND


def test_japanese_breaks_between_phrases_and_never_before_a_closing_sign() -> None:
    lines = fitted(JAPANESE, 20, "ja")
    assert lines == [
        "日本語の字幕です。とても長い行なので、",
        "自動的に折り返されなければなりません。",
        "そうでないと画面からはみ出します。",
    ]
    assert all(line[0] not in "、。" for width in range(3, 20) for line in fitted(JAPANESE, width, "ja"))


def test_an_address_breaks_after_a_sign() -> None:
    assert all(line[-1] in "/?&=-.#" for line in fitted(ADDRESS, 16)[:-1])


def test_lines_are_about_equally_long() -> None:
    lengths = [len(line) for line in fitted("one two three four five six seven eight nine ten", 16)]
    assert max(lengths) - min(lengths) <= 6


def test_a_line_that_fits_and_the_persons_own_breaks_stay() -> None:
    assert fitted("short\nand a bit longer", 30) == ["short", "and a bit longer"]


def test_letters_become_smaller_where_a_cue_is_higher_than_the_frame() -> None:
    room = TextArea(20, 10, FONTS, "en")
    found = room.fit(cue(LONGEST), PLAIN)
    assert found.scale < 1
    assert len(found.lines) * FONTS.line_height("Noto Sans") * found.scale <= 10


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs")), min_size=1, max_size=80))
def test_whatever_is_written_keeps_its_characters_and_its_times(text: str) -> None:
    words = cue(text)
    if not any(words.lines):
        return
    found = TextArea(8, 1000, FONTS, "en").fit(words, PLAIN).lines
    drawn = "".join(join_words(line) for line in found)
    letters = [each for each in text if not each.isspace() and each != "-"]
    assert [each for each in drawn if not each.isspace() and each != "-"] == letters
    times = [word.start for line in found for word in line]
    assert times == sorted(times)


def strokes(folder: Path, style: Style) -> float:
    """How much of the picture the strokes of Chinese letters fill."""
    look = SubtitleStyle("plain", 320, 180, size=15)
    return float(inked(page(folder, [Cue(0.0, 2.0, ((Word("国語文字", 0.0, 2.0, style),),))], look, 0.5)).sum())


def test_bold_chinese_has_heavier_strokes(tmp_path: Path) -> None:
    assert strokes(tmp_path, Style(bold=True)) > 1.25 * strokes(tmp_path, PLAIN)


def test_chinese_is_as_heavy_as_latin(tmp_path: Path) -> None:
    """By the height of 一, which is one stroke, and the width of l."""
    look = SubtitleStyle("large", 320, 180, size=15)
    heights = inked(page(tmp_path, [cue("一")], look, 0.5)).any(1).sum()
    widths = inked(page(tmp_path, [cue("l")], look, 0.5)).any(0).sum()
    assert heights >= 0.6 * widths


@pytest.mark.parametrize("sign", "♪♫☀★→①✓●½€°©™∑√∞≠")
def test_a_sign_is_drawn_by_a_font_that_has_it(sign: str) -> None:
    assert FONTS.missing_characters(sign) == []
    [(family, _)] = FONTS.split_runs(sign, "en")
    assert family != EMOJI or sign == "☀"


def test_what_no_font_has_is_known() -> None:
    assert FONTS.missing_characters("a \U000f0000 b") == ["\U000f0000"]


def test_a_note_has_no_wide_gap_beside_it(tmp_path: Path) -> None:
    assert [*FONTS.split_runs("♪ la", "en")] == [(SYMBOLS, "♪"), ("Noto Sans", " la")]
    columns = inked(page(tmp_path, [cue("♪ l")], SubtitleStyle("plain", 320, 180, size=15), 0.5)).any(0)
    inside = np.flatnonzero(columns)
    gap = max(np.diff(inside))
    assert gap < 0.6 * 0.15 * 180


@pytest.mark.parametrize("emoji", ["👨‍👩‍👧‍👦", "👩🏾‍🚀", "🏳️‍🌈", "🇪🇸", "👍🏽", "1️⃣", "❤️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"])
def test_a_joined_emoji_is_one_picture(emoji: str, tmp_path: Path) -> None:
    look = SubtitleStyle("plain", 320, 180, size=15)
    widths = [inked(page(tmp_path, [cue(text)], look, 0.5)).any(0).sum() for text in (emoji, "😀")]
    assert widths[0] < 1.3 * widths[1]


def test_styles_and_places_are_drawn(tmp_path: Path) -> None:
    look = SubtitleStyle("plain", 320, 180, size=12)

    def seen(style: Style, place: int = 0) -> "np.ndarray[Any, Any]":
        return page(tmp_path, [Cue(0.0, 2.0, ((Word("hill", 0.0, 2.0, style),),), place=place)], look, 0.5)

    plain = inked(seen(PLAIN))
    assert (inked(seen(Style(italic=True))) != plain).sum() > 30
    assert inked(seen(Style(bold=True))).sum() > 1.2 * plain.sum()
    assert inked(seen(Style(underline=True))).sum() > 1.1 * plain.sum()
    top = inked(seen(PLAIN, 8))
    assert top[:60].sum() == top.sum() > 50
    red = seen(Style(colour="#ff0000")).astype(int)
    assert ((red[..., 0] > 180) & (red[..., 1] < 90)).sum() > 50


def test_a_karaoke_file_grows_with_its_words_and_not_with_their_square() -> None:
    look = SubtitleStyle("karaoke", 320, 180)
    short, long = (len(format_ass([cue("word " * count)], look, FONTS)) for count in (50, 200))
    assert long < 4.5 * short
