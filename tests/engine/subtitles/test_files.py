"""SRT and WebVTT, there and back."""

import pytest

from engine.errors import BadInput
from engine.subtitles.cues import Cue, Word
from engine.subtitles.files import parse, srt, vtt

CUES = [
    Cue(0.0, 1.5, ((Word("It's", 0, 0.5), Word(" 50%:", 0.5, 1)), (Word("a\\b {x}", 1, 1.5),))),
    Cue(3661.007, 3663.0, ((Word("a < b & c 😀", 3661.007, 3663.0),),)),
]


def test_srt_is_written_with_commas_and_numbers() -> None:
    assert srt(CUES) == (
        "1\n00:00:00,000 --> 00:00:01,500\nIt's 50%:\na\\b {x}\n\n2\n01:01:01,007 --> 01:01:03,000\na < b & c 😀\n"
    )


def test_vtt_is_escaped() -> None:
    assert vtt(CUES).startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n")
    assert "a &lt; b &amp; c 😀" in vtt(CUES)


@pytest.mark.parametrize("write", [srt, vtt])
def test_what_is_written_is_read_back(write: object) -> None:
    back = parse({srt: srt, vtt: vtt}[write](CUES).encode())  # type: ignore[index]  # one of two functions
    assert [(cue.start, cue.end, cue.text) for cue in back] == [(cue.start, cue.end, cue.text) for cue in CUES]


def test_what_editors_write_is_read() -> None:
    windows = "\ufeff1\r\n0:00:01,5 --> 00:00:02,000  X1:40\r\n<i>Hello</i>\r\n{\\an8}there\r\n\r\n2\r\n"
    back = parse((windows + "00:03.000 --> 00:04.000\n2001\n").encode())
    assert [(cue.start, cue.end, cue.text) for cue in back] == [(1.5, 2.0, "Hello\nthere"), (3.0, 4.0, "2001")]


@pytest.mark.parametrize("data", [b"", b"dear diary", "Ünïcode -->".encode("latin-1"), b"\xff\xfe\x00"])
def test_what_is_no_subtitles_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match=r"^srt "):
        parse(data)


def test_a_cue_that_ends_before_it_begins_is_left_out() -> None:
    assert parse(b"1\n00:00:05,000 --> 00:00:04,000\nno\n\n2\n00:00:06,000 --> 00:00:07,000\nyes\n")[0].text == "yes"


@pytest.mark.parametrize("hours", ["9" * 400, "9" * 5000])
def test_times_that_no_recording_has_are_no_times(hours: str) -> None:
    with pytest.raises(BadInput, match=r"^srt has 0 cues"):
        parse(f"1\n{hours}:00:01,000 --> {hours}:00:02,000\nfar away\n".encode())
