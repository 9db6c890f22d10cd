"""SRT and WebVTT as people's programs write them: all of it is read, or named by its line."""

import pytest

from engine.core.errors import BadInput
from engine.tasks.subtitle.cues import Style
from engine.tasks.subtitle.files.reader import Subtitles, read_subtitles

HEAD = "1\n00:00:01,000 --> 00:00:02,000\n"


def read(text: str) -> Subtitles:
    return read_subtitles(text.encode())


def shown(text: str) -> list[tuple[float, float, str]]:
    return [(cue.start, cue.end, cue.text) for cue in read(text).cues]


def notes(text: str) -> list[str]:
    return [str(note) for note in read(text).notes]


def styles(text: str) -> list[tuple[str, Style]]:
    [cue] = read(HEAD + text).cues
    return [(word.text, word.style) for line in cue.lines for word in line]


def test_a_blank_line_inside_a_cue_does_not_end_it() -> None:
    text = "1\n00:00:00,500 --> 00:00:02,000\nUpper part\n\nlower part\n\n2\n00:00:02,500 --> 00:00:04,000\nSecond\n"
    assert shown(text) == [(0.5, 2.0, "Upper part\nlower part"), (2.5, 4.0, "Second")]
    assert notes(text) == []


def test_a_cue_that_begins_before_zero_begins_at_zero_and_a_note_names_its_line() -> None:
    text = "1\n-00:00:01,000 --> 00:00:02,000\nStarts before zero\n"
    assert shown(text) == [(0.0, 2.0, "Starts before zero")]
    assert notes(text) == [
        "Line 2 of srt: this cue starts before 0:00, so it is shown from 0:00.",
    ]


def test_a_cue_that_is_over_before_zero_is_named() -> None:
    text = f"1\n-00:00:03,000 --> -00:00:02,000\ngone\n\n{HEAD}here\n"
    assert shown(text) == [(1.0, 2.0, "here")]
    assert notes(text) == ["Line 2 of srt: this cue ends before 0:00, so it is not shown."]


@pytest.mark.parametrize("end", ["00:00:05,000", "00:00:04,000"])
def test_a_cue_that_does_not_end_after_its_begin_is_shown_as_long_as_reading_takes(end: str) -> None:
    text = f"1\n00:00:05,000 --> {end}\nSeventeen letters. And as many.\n"
    [(start, until, said)] = shown(text)
    assert (start, said) == (5.0, "Seventeen letters. And as many.")
    assert until == pytest.approx(5.0 + 31 / 17)
    assert "Line 2 of srt: this cue does not end after it starts" in notes(text)[0]


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        ("00:00:00 --> 00:00:02", 0.0, 2.0),
        ("0:00:01,5 --> 00:00:02,50", 1.5, 2.5),
        ("00:01.500 --> 00:02.000", 1.5, 2.0),
        ("00:00:01.500 --> 00:00:02.000", 1.5, 2.0),
        ("00:00:01:500 --> 00:00:02:000", 1.5, 2.0),
        ("00:00:01, 500 --> 00:00:02, 000", 1.5, 2.0),
        ("00:00:01,500-->00:00:02,000", 1.5, 2.0),
        ("00:00:01,500 -> 00:00:02,000", 1.5, 2.0),
        ("\t00:00:01,500\t-->\t00:00:02,000\t", 1.5, 2.0),
        ("100:00:01,000 --> 1000:00:02,000", 360001.0, 3600002.0),
        ("00:00:01,123456 --> 00:00:02,000000", 1.123456, 2.0),
        ("00:75:00,000 --> 00:76:00,000", 4500.0, 4560.0),
    ],
)
def test_times_are_read_in_every_form_that_is_in_use(times: str, start: float, end: float) -> None:
    assert shown(f"1\n{times}\nHello\n") == [(start, end, "Hello")]
    assert notes(f"1\n{times}\nHello\n") == []


@pytest.mark.parametrize(
    "times",
    [
        "00:00:0x,000 --> 00:00:02,000",
        "00:00:01,000 --> soon",
        "-->",
        "00:00:01,000 -->",
        "99999:00:00,000 --> 99999:00:01,000",
        f"{'9' * 5000}:00:01,000 --> {'9' * 5000}:00:02,000",
    ],
)
def test_times_that_cannot_be_read_are_named_by_their_line(times: str) -> None:
    with pytest.raises(BadInput, match=r"^The times in line 6 of srt are not valid: “"):
        read(f"{HEAD}First\n\n2\n{times}\nSecond\n")


def test_an_arrow_in_a_text_is_text() -> None:
    assert shown(f"{HEAD}a --> b\nif x -> y\n") == [(1.0, 2.0, "a --> b\nif x -> y")]


def test_numbers_may_be_missing_and_a_number_may_be_a_cues_text() -> None:
    text = (
        "00:00:01,000 --> 00:00:02,000\n1984\n\n00:00:03,000 --> 00:00:04,000\nTwo\n00:00:05,000 --> 00:00:06,000\n7\n"
    )
    assert shown(text) == [(1.0, 2.0, "1984"), (3.0, 4.0, "Two"), (5.0, 6.0, "7")]


def test_no_blank_line_need_stand_between_cues() -> None:
    assert shown(f"{HEAD}One\n2\n00:00:03,000 --> 00:00:04,000\nTwo\n") == [(1.0, 2.0, "One"), (3.0, 4.0, "Two")]


def test_lines_before_the_first_cue_are_named() -> None:
    assert notes(f"Made by me\n\n{HEAD}Hello\n") == [
        "Line 1 of srt is not part of a cue, so it is not shown.",
    ]


def test_a_cue_without_text_is_named() -> None:
    assert notes(f"{HEAD}<i> </i>\n\n2\n00:00:03,000 --> 00:00:04,000\nHello\n") == [
        "Line 2 of srt: this cue has no text.",
    ]


def test_a_cue_after_the_end_of_the_recording_is_named() -> None:
    found = read_subtitles(f"{HEAD}Hello\n".encode(), seconds=0.9)
    assert [str(note) for note in found.notes] == [
        "Line 2 of srt: this cue starts after the recording ends, so it is never shown.",
    ]


def test_cues_that_overlap_stay_and_stand_in_the_order_of_their_times() -> None:
    text = "1\n00:00:02,000 --> 00:00:04,000\nB\n\n2\n00:00:01,000 --> 00:00:03,000\nA\n"
    assert shown(text) == [(1.0, 3.0, "A"), (2.0, 4.0, "B")]


def test_comments_styles_regions_and_names_of_webvtt_are_no_text() -> None:
    text = (
        "WEBVTT - my file\nKind: captions\n\nNOTE a comment\nmore --> of it\n\nSTYLE\n::cue { color: red }\n\n"
        "REGION\nid:fred\n\nid-1\n00:00.500 --> 00:02.000\nHello\n\n"
        "NOTE\nanother\n\nid-2\n00:02.500 --> 00:04.000\nThere\n"
    )
    assert shown(text) == [(0.5, 2.0, "Hello"), (2.5, 4.0, "There")]
    assert notes(text) == []


def test_webvtts_times_inside_a_cue_are_those_of_its_words() -> None:
    [cue] = read("WEBVTT\n\n00:02.500 --> 00:04.000\n<c.yellow>Class</c> <00:03.000><c>karaoke</c>\n").cues
    assert cue.text == "Class karaoke"
    [words] = cue.lines
    assert [(word.start, word.end) for word in words] == [(2.5, 3.0), (3.0, 4.0)]
    assert words[0].style.colour == "#ffff00"


@pytest.mark.parametrize(
    ("setting", "place"),
    [("align:start line:0", 7), ("line:90%", 2), ("line:-1 align:end", 3), ("line:50%,center", 5), ("align:center", 2)],
)
def test_webvtts_settings_say_where_a_cue_stands(setting: str, place: int) -> None:
    assert read(f"WEBVTT\n\n00:01.000 --> 00:02.000 {setting}\nHello\n").cues[0].place == place


def test_a_setting_that_is_not_supported_is_named() -> None:
    assert notes("WEBVTT\n\n00:01.000 --> 00:02.000 position:10% size:50%\nHello\n") == [
        "Line 3 of srt: “position:10%” is not supported and was removed. 2 tags are like this.",
    ]


def test_basic_styles_stay() -> None:
    text = '<i>one</i> <b>two <u>three</u></b> <font color="#FF0000">four</font> {\\i1}five{\\i0} six'
    assert styles(text) == [
        ("one", Style(italic=True)),
        (" two", Style(bold=True)),
        (" three", Style(bold=True, underline=True)),
        (" four", Style(colour="#ff0000")),
        (" five", Style(italic=True)),
        (" six", Style()),
    ]


def test_a_style_goes_on_over_lines_and_may_change_inside_a_word() -> None:
    assert styles("<i>in\nit</i>alic") == [("in", Style(italic=True)), ("it", Style(italic=True)), ("alic", Style())]


@pytest.mark.parametrize(("mark", "place"), [("{\\an8}", 8), ("{\\an1}", 1), ("{\\a6}", 8)])
def test_a_place_stays(mark: str, place: int) -> None:
    [cue] = read(f"{HEAD}{mark}Hello\n").cues
    assert (cue.place, cue.text) == (place, "Hello")


def test_an_effect_that_cannot_be_drawn_is_named() -> None:
    assert notes(f"{HEAD}{{\\pos(10,20)}}Hello\n") == [
        "Line 2 of srt: “{\\pos(10,20)}” is not supported and was removed.",
    ]


def test_what_only_looks_like_a_tag_is_text() -> None:
    assert shown(f"{HEAD}a < b > c <laughs> {{x}} <3 AT&T &lt;i&gt; &#9834;\n")[0][2] == (
        "a < b > c <laughs> {x} <3 AT&T <i> ♪"
    )
