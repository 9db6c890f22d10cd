"""Styles, drawn by the real libass: what is seen where, and that nothing in a text is taken as syntax."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.tasks.subtitle.cues import Cue, Word
from engine.tasks.subtitle.cutting import cut_cues
from engine.tasks.subtitle.drawing.styles import SubtitleStyle
from engine.tasks.subtitle.drawing.typefaces import load_typefaces
from engine.weights.registry import weights_folder
from tests.engine.tasks.subtitle.drawing.drawn_frames import inked, page

WIDTH, HEIGHT = 320, 180
FONTS = load_typefaces(weights_folder(Path("data")))


def cue(text: str, end: float = 2.0) -> Cue:
    return Cue(0.0, end, tuple((Word(line, 0.0, end),) for line in text.split("\n")))


def drawn(folder: Path, text: str, style: str = "plain", at: float = 0.5, **look: Any) -> "np.ndarray[Any, Any]":
    """The middle of a dark grey video with `text` on it."""
    return page(folder, [cue(text)], SubtitleStyle(style, WIDTH, HEIGHT, **look), at)


def test_plain_is_white_at_the_bottom(tmp_path: Path) -> None:
    ink = inked(drawn(tmp_path, "Hello there", size=12))
    assert ink[int(HEIGHT * 0.7) :].sum() > 100
    assert ink[: int(HEIGHT * 0.7)].sum() == 0


def test_the_top_is_the_top(tmp_path: Path) -> None:
    ink = inked(drawn(tmp_path, "Hello there", place="top", size=12))
    assert ink[: int(HEIGHT * 0.3)].sum() > 100
    assert ink[int(HEIGHT * 0.3) :].sum() == 0


def test_large_is_larger_than_plain(tmp_path: Path) -> None:
    large, plain = (inked(drawn(tmp_path, "Hello there", style)).any(0).sum() for style in ("large", "plain"))
    assert large > plain * 1.3


def test_a_box_darkens_the_picture_around_the_letters(tmp_path: Path) -> None:
    dark = drawn(tmp_path, "Hello there", "boxed").max(2) < 40
    rows, columns = np.nonzero(dark)
    assert dark.sum() > 0.4 * (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


def test_colour_and_size_are_the_persons(tmp_path: Path) -> None:
    red = drawn(tmp_path, "Hello there", colour="#ff0000", size=12)
    bright = red[red[..., 0] > 180]
    assert len(bright) > 100
    assert np.median(bright[:, 1]) < 90


def test_serif_letters_are_others(tmp_path: Path) -> None:
    serif, sans = (inked(drawn(tmp_path, "Hello there", font=font, size=14)) for font in ("serif", "sans"))
    assert serif.sum() > 100
    assert (serif != sans).sum() > 100


def test_karaoke_lights_the_word_that_is_spoken(tmp_path: Path) -> None:
    words = (Word("First", 0.0, 1.0), Word(" second", 1.0, 2.0))
    look = SubtitleStyle("karaoke", WIDTH, HEIGHT)

    def lit(at: float) -> float:
        picture = page(tmp_path, [Cue(0.0, 2.0, (words,))], look, at).astype(int)
        return float(np.nonzero((picture[..., 0] > 200) & (picture[..., 2] < 120))[1].mean())

    assert lit(0.5) < WIDTH / 2 < lit(1.5)


@pytest.mark.parametrize(
    "text",
    [
        "It's 50%: a\\Nb {\\c&H0000FF&} 'quoted' [x];y,z",
        "{\\pos(0,0)}up here",
        "Dialogue: 0,0:00:00.00,0:00:09.00,Cue,,0,0,0,,x",
        "%{metadata} $HOME `id` \\h\\n",
    ],
)
def test_a_text_is_drawn_as_it_stands(text: str, tmp_path: Path) -> None:
    picture = drawn(tmp_path, text, size=5)
    ink = inked(picture)
    assert ink[: int(HEIGHT * 0.6)].sum() == 0
    plain = inked(drawn(tmp_path, "".join(letter if letter.isalnum() else "x" for letter in text)[:40], size=5))
    assert ink.any(0).sum() > plain.any(0).sum() * 0.5


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("مرحبا بالعالم", "ar"),
        ("שלום עולם 123", "he"),
        ("日本語の字幕", "ja"),
        ("简体中文字幕", "zh"),
        ("한국어 자막", "ko"),
        ("नमस्ते दुनिया", "hi"),
        ("สวัสดีชาวโลก", "th"),
        ("Здравствуй, мир", "ru"),
        ("😀🎉 done", "en"),
    ],
)
def test_every_script_is_drawn_with_its_letters(text: str, language: str, tmp_path: Path) -> None:
    """A letter that no font has is an empty box; those of two letters are alike, and these are not."""
    ink = inked(drawn(tmp_path, text, language=language, size=14))
    boxes = inked(drawn(tmp_path, "\U000f0000" * 6, language=language, size=14))
    assert ink.sum() > 150
    columns, blank = ink.sum(0), boxes.sum(0)
    assert len(set(columns[columns > 0])) > len(set(blank[blank > 0]))


def test_arabic_begins_at_the_right(tmp_path: Path) -> None:
    """In a right-to-left line the first word stands last on the picture, so a Latin word at its end stands left."""
    picture = inked(drawn(tmp_path, "مرحبا ||||", language="ar", size=14))
    columns = np.nonzero(picture.any(0))[0]
    bars = picture[:, columns[0] : columns[0] + 12].sum(0)
    letters = picture[:, columns[-1] - 12 : columns[-1]].sum(0)
    assert bars.max() > letters.max()


def test_letters_stay_with_their_font() -> None:
    assert [*FONTS.split_runs("Hola 日本 مرحبا", "ja")] == [
        ("Noto Sans", "Hola "),
        ("Noto Sans CJK JP", "日本 "),
        ("Noto Sans Arabic", "مرحبا"),
    ]


def test_a_narrow_picture_has_shorter_lines() -> None:
    tall = SubtitleStyle("large", 360, 640)
    assert tall.line_cells < SubtitleStyle("plain", 640, 360).line_cells == 42
    words = [Word(f" word{at}", at * 0.4, at * 0.4 + 0.4) for at in range(20)]
    assert all(
        len(line) <= tall.line_cells for each in cut_cues(words, tall.line_cells) for line in each.text.split("\n")
    )
