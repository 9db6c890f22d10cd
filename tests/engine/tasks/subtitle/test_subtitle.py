"""/subtitle with the real Whisper on synthetic speech: what is heard, what is made of it, and what is refused."""

import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import BadInput, Cancelled, MissingModel
from engine.core.job import Media, Result
from engine.core.settings import WorkerSettings
from engine.media import files as media
from engine.media import video
from engine.tasks.subtitle.files.reader import read_subtitles
from engine.tasks.subtitle.params import Params
from engine.tasks.subtitle.task import TASK
from engine.tasks.subtitle.whisper import BASE, SAMPLE_RATE, Whisper
from engine.weights import registry
from engine.weights.registry import weights_folder
from engine.worker.context import Context
from engine.worker.model_pool import Pool

ENGLISH = (
    "Good morning everyone, and welcome to our little workshop. Today we are going to build a wooden chair, "
    "and paint it blue. We glue the seat, and wait for an hour."
)
LONGER = (
    f"{ENGLISH} The train to the north leaves at seven. My sister lives in a small house near the river. "
    "Last winter the snow was so deep that nobody could open the door. We stayed at home and read old books. "
    "In the evening our neighbour came with fresh bread and a bottle of milk. He told us about his garden in the south."
)
SPANISH = (
    "Buenos días a todos, y bienvenidos a nuestro pequeño taller. Hoy vamos a construir una silla de madera, "
    "y la pintaremos de azul."
)

Make = Callable[..., Result]


class Studio:
    """A worker's inside: one pool, a data folder, and what was told of progress."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "weights").symlink_to(weights_folder(Path("data")).resolve())
        self.settings = WorkerSettings(folder=folder, memory=10**10)
        self.pool = Pool(10**10, {"subtitle": lambda: TASK.load(self.settings)})  # type: ignore[misc]  # it has one
        self.told: list[tuple[str, float]] = []

    def context(self) -> Context:
        self.told.clear()
        service = TASK.choose(self.settings)
        return Context("job", self.folder, self.pool, service, lambda at: self.told.append((at.stage, at.fraction)))

    def make(self, source: Media, **options: Any) -> Result:
        return TASK.run(Params(media=source, **options), self.context())

    def fetched(self, path: Path) -> Media:
        kept = media.keep(path.read_bytes(), self.folder / "media", path.suffix)
        return kept if path.suffix == ".srt" else video.with_dimensions(kept, video.probe(kept.path, kept.mime))


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    made = Studio(tmp_path_factory.mktemp("studio"))
    yield made
    made.pool.free()


def said(folder: Path, words: str, voice: str) -> Path:
    path = folder / f"{voice}.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", "145", "-w", str(path), words], check=True)
    return path


def filmed(sound: Path) -> Path:
    """A small video with this sound."""
    path = sound.with_suffix(".mp4")
    picture = ["-f", "lavfi", "-i", "color=c=0x303030:s=320x180:r=8"]
    small = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"]
    subprocess.run([video.ffmpeg_path(), "-v", "error", *picture, "-i", str(sound), *small, str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def english(studio: Studio) -> Media:
    return studio.fetched(filmed(said(studio.folder, ENGLISH, "en-us")))


@pytest.fixture(scope="module")
def spanish(studio: Studio) -> Media:
    return studio.fetched(said(studio.folder, SPANISH, "es"))


def test_long_media_are_read_in_many_pieces_at_once(studio: Studio) -> None:
    """As on a GPU: the pieces of what the voice detector leaves, in one batch."""
    folder = weights_folder(Path("data"))
    spoken = studio.fetched(said(studio.folder, LONGER, "en-us"))
    samples = video.read_mono(spoken.path, spoken.mime, SAMPLE_RATE, video.CancelOrTimeout())
    heard = Whisper(registry.path_or_raise(BASE, folder), "cpu", batched_from=10).transcribe(
        samples, "en", "transcribe", lambda: None, lambda _: None
    )
    assert word_errors(LONGER, "".join(word.text for word in heard.words)) < 0.1
    starts = [word.start for word in heard.words]
    assert starts == sorted(starts)
    assert heard.words[-1].end <= len(samples) / SAMPLE_RATE


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def word_errors(truth: str, heard: str) -> float:
    """The word error rate: substitutions, deletions and insertions by the words of the truth."""
    right, found = words_of(truth), words_of(heard)
    row = list(range(len(found) + 1))
    for at, word in enumerate(right, 1):
        before, row = row, [at]
        for place, other in enumerate(found, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (word != other)))
    return row[-1] / len(right)


def subtitles(result: Result) -> str:
    return " ".join(cue.text for cue in read_subtitles(result.media[1].path.read_bytes()).cues)


def ink(made: Media) -> int:
    """How many bright pixels the middle frame has: the subtitles."""
    stream = video.probe(made.path, made.mime).video
    assert stream
    pictures = list(video.read_frames(made.path, made.mime, stream, video.CancelOrTimeout()))
    return int((pictures[len(pictures) // 4].max(2) > 170).sum())


def test_english_is_heard_and_burnt_into_the_video(studio: Studio, english: Media) -> None:
    result = studio.make(english)
    rate = word_errors(ENGLISH, subtitles(result))
    print(f"word error rate, English: {rate:.1%}")  # noqa: T201  # a figure to be read
    assert rate < 0.2
    assert result.facts["language"] == "en"
    made, srt = result.media
    assert (made.mime, made.width, made.height, srt.mime) == ("video/mp4", 320, 180, "application/x-subrip")
    assert made.seconds == pytest.approx(english.seconds, abs=0.3)
    assert video.probe(made.path, made.mime).sound
    assert ink(made) > ink(english) + 50
    fractions = [fraction for _, fraction in studio.told]
    assert fractions == sorted(fractions)


def test_a_sound_in_spanish_becomes_a_captioned_video(studio: Studio, spanish: Media) -> None:
    result = studio.make(spanish, style="karaoke")
    rate = word_errors(SPANISH, subtitles(result))
    print(f"word error rate, Spanish: {rate:.1%}")  # noqa: T201  # a figure to be read
    assert rate < 0.25
    assert result.facts["language"] == "es"
    assert (result.media[0].width, result.media[0].height) == (1280, 720)
    assert result.media[0].seconds == pytest.approx(spanish.seconds, abs=0.3)


def test_another_style_costs_no_second_listening(studio: Studio, english: Media) -> None:
    studio.make(english)
    studio.make(english, style="boxed")
    assert "transcribing" not in [stage for stage, _ in studio.told]


def test_an_edited_srt_is_drawn_without_listening(studio: Studio, english: Media, tmp_path: Path) -> None:
    edited = tmp_path / "mine.srt"
    edited.write_text("1\n00:00:00,500 --> 00:00:06,000\nIt's 50%: {not a tag} a\\Nb 😀\n", "utf-8")
    result = studio.make(english, srt=studio.fetched(edited))
    assert "transcribing" not in [stage for stage, _ in studio.told]
    assert subtitles(result) == "It's 50%: {not a tag} a\\Nb 😀"
    assert ink(result.media[0]) > ink(english) + 50


def test_a_cancel_while_an_srt_is_read_and_drawn_is_noticed_within_two_seconds(
    studio: Studio, english: Media, tmp_path: Path
) -> None:
    long = tmp_path / "long.srt"
    times = (f"00:{at // 60:02}:{at % 60:02},000" for at in range(3500))
    blocks = (f"{time} --> {time[:-3]}900\n{chr(0x4E00 + at) * 300}\n\n" for at, time in enumerate(times))
    long.write_text("".join(blocks) + "\n" * 25_000, "utf-8")
    source, context, ended = studio.fetched(long), studio.context(), list[float]()

    def cancel() -> None:
        ended.append(time.monotonic())
        context.cancelled.set()

    for delay in (0.3, 2.0):
        context.cancelled.clear()
        threading.Timer(delay, cancel).start()
        with pytest.raises(Cancelled):
            TASK.run(Params(media=english, srt=source), context)
        assert time.monotonic() - ended[-1] < 2


def test_notes_name_what_of_an_srt_is_not_as_it_stands(studio: Studio, english: Media, tmp_path: Path) -> None:
    edited = tmp_path / "mine.srt"
    edited.write_text("1\n-00:00:01,000 --> 00:00:02,000\n<i>Early</i> \U000f0000\n", "utf-8")
    result = studio.make(english, srt=studio.fetched(edited))
    assert [str(note) for note in result.notes] == [
        "Line 2 of srt: this cue starts before 0:00, so it is shown from 0:00. Cues like this: 1.",
        "No installed font has these characters (1 in total), so they appear as boxes: \U000f0000",
    ]
    assert "<i>Early</i>" in result.media[1].path.read_text("utf-8")


def test_without_burning_the_subtitles_are_a_track_and_the_pictures_stay(studio: Studio, english: Media) -> None:
    made = studio.make(english, burn=False).media[0]
    shown = subprocess.run(
        [video.ffmpeg_path(), "-i", str(made.path)], capture_output=True, text=True, check=False
    ).stderr
    assert re.search(r"Stream .*Subtitle: mov_text", shown)
    assert ink(made) == ink(english)


@pytest.mark.parametrize(("form", "begins"), [("vtt", b"WEBVTT\n"), ("ass", b"[Script Info]\n")])
def test_the_subtitles_come_in_the_format_that_was_asked_for(
    form: str, begins: bytes, studio: Studio, english: Media
) -> None:
    written = studio.make(english, format=form, burn=False).media[1]
    assert written.path.suffix == f".{form}"
    assert written.path.read_bytes().startswith(begins)


def sounding(folder: Path, name: str, samples: "np.ndarray[Any, Any]") -> Path:
    import wave

    path = folder / name
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def music(seconds: float) -> "np.ndarray[Any, Any]":
    """Chords that swell and fade."""
    time_ = np.arange(int(seconds * 16000)) / 16000
    tones = sum(np.sin(2 * np.pi * pitch * time_) for pitch in (220.0, 277.2, 329.6, 440.0))
    return np.asarray(tones / 8 * (0.6 + 0.4 * np.sin(2 * np.pi * 0.5 * time_)))


@pytest.mark.parametrize("kind", ["silence", "noise", "music"])
def test_nothing_is_invented_where_nobody_speaks(kind: str, studio: Studio, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 16000 * 8)
    samples = {"silence": np.zeros(16000 * 8), "noise": noise, "music": music(8)}[kind]
    result = studio.make(studio.fetched(sounding(tmp_path, f"{kind}.wav", samples)))
    assert result.media == ()
    assert [str(note) for note in result.notes] == ["No speech was found, so there are no subtitles."]


def test_a_cancel_while_listening_is_noticed_within_a_second(studio: Studio, tmp_path: Path) -> None:
    source = studio.fetched(said(tmp_path, f"{ENGLISH} And so on. {ENGLISH}", "en-us"))
    context = studio.context()
    ended: list[float] = []

    def cancel() -> None:
        while "transcribing" not in [stage for stage, _ in studio.told]:
            time.sleep(0.01)  # what is waited for is in another thread
        ended.append(time.monotonic())
        context.cancelled.set()

    threading.Thread(target=cancel).start()
    with pytest.raises(Cancelled):
        TASK.run(Params(media=source), context)
    assert time.monotonic() - ended[0] < 1
    with studio.pool.use("subtitle") as whisper:
        left = whisper._transcription.thread
    studio.pool.free()
    assert not left.is_alive()


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


def test_a_video_without_a_sound_is_refused(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "mute.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=5", "-t", "1"]
    subprocess.run([video.ffmpeg_path(), "-v", "error", *picture, str(path)], check=True)
    with pytest.raises(BadInput, match="This video has no sound"):
        studio.make(studio.fetched(path))


def test_a_studio_without_fonts_says_what_to_fetch(
    tmp_path: Path, english: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATELIER_WEIGHTS", raising=False)
    bare = Context("job", tmp_path, Pool(1, {}), TASK.choose(WorkerSettings(folder=tmp_path, memory=1)), lambda _: None)
    srt = media.keep(b"1\n00:00:00,000 --> 00:00:01,000\nHello\n", tmp_path / "media", ".srt")
    with pytest.raises(MissingModel, match=r"noto is not here\. Fetch it with"):
        TASK.run(Params(media=english, srt=srt), bare)


def cues_of(result: Result) -> list[tuple[float, float, str]]:
    return [(cue.start, cue.end, cue.text) for cue in read_subtitles(result.media[1].path.read_bytes()).cues]


def joined_sounds(folder: Path, *sounds: Path, pause: float = 4.0) -> Path:
    """The sounds one after the other, with a pause between."""
    path = folder / "joined.wav"
    inputs = [part for sound in sounds for part in ("-i", str(sound))]
    padded = "".join(f"[{at}:a]apad=pad_dur={pause}[s{at}];" for at in range(len(sounds)))
    graph = padded + "".join(f"[s{at}]" for at in range(len(sounds))) + f"concat=n={len(sounds)}:v=0:a=1"
    subprocess.run([video.ffmpeg_path(), "-v", "error", "-y", *inputs, "-filter_complex", graph, str(path)], check=True)
    return path


def test_a_second_language_after_a_pause_is_written_as_it_is_spoken(studio: Studio) -> None:
    first, second = said(studio.folder, ENGLISH, "en-us"), said(studio.folder, SPANISH, "es")
    result = studio.make(studio.fetched(joined_sounds(studio.folder, first, second)), burn=False)
    text = subtitles(result)
    assert word_errors(f"{ENGLISH} {SPANISH}", text) < 0.25
    assert result.facts["language"] == "en"
    assert [str(note) for note in result.notes] == [
        "Several languages are spoken (en, es). Each is transcribed in its own language."
    ]
    starts = [start for start, _, _ in cues_of(result)]
    assert starts == sorted(starts)


def test_both_languages_are_translated(studio: Studio) -> None:
    first, second = said(studio.folder, ENGLISH, "en-us"), said(studio.folder, SPANISH, "es")
    result = studio.make(studio.fetched(joined_sounds(studio.folder, first, second)), translate=True)
    words = set(words_of(subtitles(result)))
    assert {"workshop", "blue", "welcome", "chair"} <= words
    assert not {"buenos", "días", "silla"} & words


@pytest.mark.parametrize("language", [None, "en"])
def test_cues_of_a_sound_that_begins_late_are_late(studio: Studio, english: Media, language: str | None) -> None:
    path = studio.folder / "late.mkv"
    source = ["-i", str(english.path), "-itsoffset", "3", "-i", str(english.path), "-map", "0:v", "-map", "1:a"]
    subprocess.run([video.ffmpeg_path(), "-v", "error", "-y", *source, "-c", "copy", str(path)], check=True)
    late = cues_of(studio.make(studio.fetched(path), language=language))
    soon = cues_of(studio.make(english, language=language))
    assert [text for _, _, text in late] == [text for _, _, text in soon]
    for (late_start, _, _), (start, _, _) in zip(late, soon, strict=True):
        assert late_start - start == pytest.approx(3, abs=0.25)


@pytest.mark.parametrize("cut", [3.0, 4.55])
def test_no_cue_is_shown_after_the_end_of_the_sound(studio: Studio, english: Media, cut: float) -> None:
    path = studio.folder / f"cut-{cut}.wav"
    subprocess.run(
        [video.ffmpeg_path(), "-v", "error", "-y", "-i", str(english.path), "-t", str(cut), str(path)], check=True
    )
    cues = cues_of(studio.make(studio.fetched(path)))
    assert cues
    assert cues[-1][1] <= cut
    assert all(start < end for start, end, _ in cues)


@pytest.mark.parametrize("seconds", [0.001, 0.2])
def test_a_sound_too_short_to_hold_a_word_is_said_to_have_none(studio: Studio, seconds: float) -> None:
    path = studio.folder / f"short-{seconds}.wav"
    subprocess.run(
        [video.ffmpeg_path(), "-v", "error", "-y", "-f", "lavfi", "-i", f"sine=440:d={seconds}", str(path)], check=True
    )
    result = studio.make(studio.fetched(path))
    assert [str(note) for note in result.notes] == ["No speech was found, so there are no subtitles."]
