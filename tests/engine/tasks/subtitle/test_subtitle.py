"""/subtitle with the real Whisper on synthetic speech: the video, the subtitle file and refused options."""

import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import BadInput, Cancelled, MissingModel
from engine.core.job import Media
from engine.core.settings import WorkerSettings
from engine.media import files as media
from engine.media import video
from engine.tasks.subtitle.params import Params
from engine.tasks.subtitle.task import TASK
from engine.tasks.subtitle.transcription_thread import TranscriptionThread
from engine.worker.context import Context
from engine.worker.model_pool import Pool
from tests.engine.tasks.subtitle.subtitle_harness import (
    ENGLISH,
    SPANISH,
    Studio,
    count_bright_pixels,
    speak,
    subtitle_text,
    word_errors,
)
from tests.timing import CANCEL_SECONDS


def test_english_is_heard_and_burnt_into_the_video(studio: Studio, english: Media) -> None:
    result = studio.make(english)
    rate = word_errors(ENGLISH, subtitle_text(result))
    print(f"word error rate, English: {rate:.1%}")  # noqa: T201  # a figure to be read
    assert rate < 0.2
    assert result.facts["language"] == "en"
    made, srt = result.media
    assert (made.mime, made.width, made.height, srt.mime) == ("video/mp4", 320, 180, "application/x-subrip")
    assert made.seconds == pytest.approx(english.seconds, abs=0.3)
    assert video.probe(made.path, made.mime).sound
    assert count_bright_pixels(made) > count_bright_pixels(english) + 50
    fractions = [fraction for _, fraction in studio.progress]
    assert fractions == sorted(fractions)


def test_a_sound_in_spanish_becomes_a_captioned_video(studio: Studio, spanish: Media) -> None:
    result = studio.make(spanish, style="karaoke")
    rate = word_errors(SPANISH, subtitle_text(result))
    print(f"word error rate, Spanish: {rate:.1%}")  # noqa: T201  # a figure to be read
    assert rate < 0.25
    assert result.facts["language"] == "es"
    assert (result.media[0].width, result.media[0].height) == (1280, 720)
    assert result.media[0].seconds == pytest.approx(spanish.seconds, abs=0.3)


def test_another_style_costs_no_second_listening(studio: Studio, english: Media) -> None:
    studio.make(english)
    studio.make(english, style="boxed")
    assert "transcribing" not in [stage for stage, _ in studio.progress]


def test_an_edited_srt_is_drawn_without_listening(studio: Studio, english: Media, tmp_path: Path) -> None:
    edited = tmp_path / "mine.srt"
    edited.write_text("1\n00:00:00,500 --> 00:00:06,000\nIt's 50%: {not a tag} a\\Nb 😀\n", "utf-8")
    result = studio.make(english, srt=studio.store(edited))
    assert "transcribing" not in [stage for stage, _ in studio.progress]
    assert subtitle_text(result) == "It's 50%: {not a tag} a\\Nb 😀"
    assert count_bright_pixels(result.media[0]) > count_bright_pixels(english) + 50


def test_a_cancel_while_an_srt_is_read_and_drawn_ends_the_job(studio: Studio, english: Media, tmp_path: Path) -> None:
    long = tmp_path / "long.srt"
    times = (f"00:{at // 60:02}:{at % 60:02},000" for at in range(3500))
    blocks = (f"{time} --> {time[:-3]}900\n{chr(0x4E00 + at) * 300}\n\n" for at, time in enumerate(times))
    long.write_text("".join(blocks) + "\n" * 25_000, "utf-8")
    source, context, ended = studio.store(long), studio.context(), list[float]()

    def cancel() -> None:
        ended.append(time.monotonic())
        context.cancelled.set()

    for delay in (0.3, 2.0):
        context.cancelled.clear()
        threading.Timer(delay, cancel).start()
        with pytest.raises(Cancelled):
            TASK.run(Params(media=english, srt=source), context)
        assert time.monotonic() - ended[-1] < CANCEL_SECONDS


def test_notes_name_what_of_an_srt_is_not_as_it_stands(studio: Studio, english: Media, tmp_path: Path) -> None:
    edited = tmp_path / "mine.srt"
    edited.write_text("1\n-00:00:01,000 --> 00:00:02,000\n<i>Early</i> \U000f0000\n", "utf-8")
    result = studio.make(english, srt=studio.store(edited))
    assert [str(note) for note in result.notes] == [
        "Line 2 of srt: this cue starts before 0:00, so it is shown from 0:00.",
        "No installed font has this character, so it appears as a box: \U000f0000",
    ]
    assert "<i>Early</i>" in result.media[1].path.read_text("utf-8")


def test_without_burning_the_subtitles_are_a_track_and_the_pictures_stay(studio: Studio, english: Media) -> None:
    made = studio.make(english, burn=False).media[0]
    shown = subprocess.run(
        [video.ffmpeg_path(), "-i", str(made.path)], capture_output=True, text=True, check=False
    ).stderr
    assert re.search(r"Stream .*Subtitle: mov_text", shown)
    assert count_bright_pixels(made) == count_bright_pixels(english)


@pytest.mark.parametrize(("form", "begins"), [("vtt", b"WEBVTT\n"), ("ass", b"[Script Info]\n")])
def test_the_subtitles_come_in_the_format_that_was_asked_for(
    form: str, begins: bytes, studio: Studio, english: Media
) -> None:
    written = studio.make(english, format=form, burn=False).media[1]
    assert written.path.suffix == f".{form}"
    assert written.path.read_bytes().startswith(begins)


def test_a_cancel_while_listening_ends_the_job(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = studio.store(speak(tmp_path, f"{ENGLISH} And so on. {ENGLISH}", "en-us"))
    context = studio.context()
    started = list[TranscriptionThread]()

    class CancelledThread(TranscriptionThread):
        def _run(self) -> None:
            started.append(self)
            context.cancelled.set()
            super()._run()

    monkeypatch.setattr("engine.tasks.subtitle.whisper.TranscriptionThread", CancelledThread)
    with pytest.raises(Cancelled):
        TASK.run(Params(media=source), context)
    studio.pool.free()
    assert [each.thread.is_alive() for each in started] == [False]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"language": "xx"}, "Whisper doesn't know the language “xx”"),
        ({"colour": "mauve"}, "There is no colour “mauve”. Use one of white, yellow"),
        ({"colour": "#12345g"}, "There is no colour “#12345g”"),
        ({"translate": True, "bilingual": True}, "translate shows only English"),
        ({"size": 40}, "size is 40; it must be at most 15"),
        ({"burn": False, "colour": "pink"}, "colour has no effect when burn is off"),
        ({"style": "neon"}, "style is “neon”; it must be one of plain, boxed"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], said: str, english: Media) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        Params.parse({"media": english, **options})


def test_looks_without_burning_are_of_the_ass_file(english: Media) -> None:
    assert Params.parse({"media": english, "burn": False, "colour": "pink", "format": "ass"}).colour == "pink"


@pytest.mark.parametrize(("typed", "colour"), [("Yellow", "yellow"), ("#FFCC00", "#ffcc00")])
def test_a_colour_may_be_written_in_capitals(typed: str, colour: str, english: Media) -> None:
    assert Params.parse({"media": english, "colour": typed}).colour == colour


def test_a_video_without_a_sound_is_refused(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "mute.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=5", "-t", "1"]
    subprocess.run([video.ffmpeg_path(), "-v", "error", *picture, str(path)], check=True)
    with pytest.raises(BadInput, match="This video has no sound"):
        studio.make(studio.store(path))


def test_a_studio_without_fonts_says_what_to_fetch(
    tmp_path: Path, english: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATELIER_WEIGHTS", raising=False)
    bare = Context("job", tmp_path, Pool(1, {}), TASK.choose(WorkerSettings(folder=tmp_path, memory=1)), lambda _: None)
    srt = media.keep(b"1\n00:00:00,000 --> 00:00:01,000\nHello\n", tmp_path / "media", ".srt")
    with pytest.raises(MissingModel, match=r"noto is not here\. Fetch it with"):
        TASK.run(Params(media=english, srt=srt), bare)
