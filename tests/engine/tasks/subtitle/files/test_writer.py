"""SRT and WebVTT, there and back."""

import pytest

from engine.tasks.subtitle.cues import Cue, Style, Word
from engine.tasks.subtitle.files.reader import read_subtitles
from engine.tasks.subtitle.files.writer import format_srt, format_vtt

ITALIC, RED = Style(italic=True, bold=True), Style(colour="#ff0000", strike=True)
CUES = [
    Cue(0.0, 1.5, ((Word("It's", 0, 0.5), Word(" 50%:", 0.5, 1)), (Word("a\\b {x}", 1, 1.5),))),
    Cue(5.0, 6.0, ((Word("so", 5, 5.5, ITALIC), Word(" red", 5.5, 6, RED), Word("dish", 5.8, 6)),), place=8),
    Cue(3661.007, 3663.0, ((Word("a < b & c 😀", 3661.007, 3663.0),),)),
]


def test_srt_is_written_with_commas_and_numbers() -> None:
    assert format_srt([CUES[0], CUES[2]]) == (
        "1\n00:00:00,000 --> 00:00:01,500\nIt's 50%:\na\\b {x}\n\n2\n01:01:01,007 --> 01:01:03,000\na < b & c 😀\n"
    )


def test_srt_has_its_styles_as_players_read_them() -> None:
    assert format_srt([CUES[1]]).splitlines()[2] == (
        '{\\an8}<i><b>so</b></i> <font color="#ff0000"><s>red</s></font>dish'
    )


def test_vtt_is_escaped() -> None:
    assert format_vtt([CUES[0], CUES[2]]).startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n")
    assert "a &lt; b &amp; c 😀" in format_vtt(CUES)


def test_vtt_defines_its_colours() -> None:
    assert "::cue(.xff0000) { color: #ff0000 }\n" in format_vtt(CUES)
    assert (
        "00:00:05.000 --> 00:00:06.000 line:0 align:center\n<i><b>so</b></i> <c.xff0000.strike>red</c>dish"
        in format_vtt(CUES)
    )


@pytest.mark.parametrize("write", [format_srt, format_vtt])
def test_what_is_written_is_read_back(write: object) -> None:
    back = read_subtitles({format_srt: format_srt, format_vtt: format_vtt}[write](CUES).encode())  # type: ignore[index]  # one of two functions
    assert [(cue.start, cue.end, cue.text, cue.place) for cue in back.cues] == [
        (cue.start, cue.end, cue.text, cue.place) for cue in sorted(CUES, key=lambda cue: cue.start)
    ]
    assert [word.style for word in back.cues[1].lines[0]][:2] == [ITALIC, RED]
    assert back.notes == ()
