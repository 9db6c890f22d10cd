"""Subtitle files in other encodings, over the limits or with random content: each is read or refused."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import AtelierError, BadInput, Cancelled, TooLarge
from engine.tasks.subtitle.files.reader import MAX_BYTES, MAX_CUE_CHARACTERS, MAX_CUES, Subtitles, read_subtitles
from tests.timing import thread_seconds

HEAD = "1\n00:00:01,000 --> 00:00:02,000\n"


def read(text: str) -> Subtitles:
    return read_subtitles(text.encode())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1252"])
def test_encodings_are_read_with_carriage_returns_and_tabs(encoding: str) -> None:
    found = read_subtitles(f"{HEAD}Año\tÜber\n".replace("\n", "\r\n").encode(encoding))
    assert found.cues[0].text == "Año Über"
    assert len(found.notes) == (encoding == "windows-1252")


@pytest.mark.parametrize("data", [b"", b"dear diary", b"[Script Info]\nTitle: x\n", b"\xff\xfe\x00"])
def test_what_is_no_subtitles_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match=r"^(No subtitles were found|srt )"):
        read_subtitles(data)


def test_the_bounds_are_named() -> None:
    with pytest.raises(TooLarge, match=r"^The subtitle file is 4 MB; the limit is 4 MB"):
        read_subtitles(b" " * (MAX_BYTES + 1))
    with pytest.raises(TooLarge, match=r"^The cue in line 2 of srt has 1,001 characters; the limit is 1,000"):
        read(HEAD + "x" * (MAX_CUE_CHARACTERS + 1))
    with pytest.raises(
        TooLarge, match=r"^The subtitle file has more than 20,000 cues; the next one starts in line 80002"
    ):
        read(f"{HEAD}x\n\n" * (MAX_CUES + 1))


@pytest.mark.parametrize("piece", ["\n", " ", "<", "<i ", "{\\", "0:", "-", "&#", "<00:", "a:b ", "<i>", "--> "])
def test_reading_is_linear(piece: str) -> None:
    """A quadratic reader would take hours for these."""

    def work() -> None:
        for head in (HEAD + "hi\n", HEAD.strip(), "WEBVTT\n", ""):
            data = (head + piece * (3_900_000 // len(piece))).encode()
            with suppress(AtelierError):
                read_subtitles(data)

    assert thread_seconds(work) < 120


def test_a_cancel_ends_reading_at_the_next_cue() -> None:
    def cancelled() -> None:
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        read_subtitles(f"{HEAD}x\n\n".encode() * 100, cancelled)


PIECES = st.sampled_from(
    [
        "\n",
        "1",
        "00:00:01,000",
        " --> ",
        "-",
        "<i>",
        "</i>",
        "{\\an8}",
        "WEBVTT",
        "NOTE",
        "word",
        " ",
        "<00:01.000>",
        "&amp;",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=5), max_size=60), st.sampled_from(["utf-8", "utf-16"]))
def test_whatever_is_attached_is_read_or_refused(pieces: list[str], encoding: str) -> None:
    try:
        found = read_subtitles("".join(pieces).encode(encoding, "replace"))
    except AtelierError:
        return
    for cue in found.cues:
        assert 0 <= cue.start < cue.end
        assert cue.text.strip()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_bytes_are_attached_are_read_or_refused(data: bytes) -> None:
    try:
        read_subtitles(HEAD.encode() + data)
    except AtelierError:
        return
