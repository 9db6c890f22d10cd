"""Transcription by the real Whisper: languages, times, and no text where nobody speaks."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.job import Media
from engine.media import video
from engine.tasks.subtitle.whisper import BASE, SAMPLE_RATE, Whisper
from engine.weights import registry
from engine.weights.registry import weights_folder
from tests.engine.tasks.subtitle.subtitle_harness import (
    ENGLISH,
    LONGER,
    SPANISH,
    Studio,
    join_sounds,
    read_cues,
    speak,
    split_words,
    subtitle_text,
    word_errors,
    write_wav,
)


def music(seconds: float) -> "np.ndarray[Any, Any]":
    """Chords that swell and fade."""
    time_ = np.arange(int(seconds * 16000)) / 16000
    tones = sum(np.sin(2 * np.pi * pitch * time_) for pitch in (220.0, 277.2, 329.6, 440.0))
    return np.asarray(tones / 8 * (0.6 + 0.4 * np.sin(2 * np.pi * 0.5 * time_)))


def test_a_second_language_after_a_pause_is_written_as_it_is_spoken(studio: Studio) -> None:
    first, second = speak(studio.folder, ENGLISH, "en-us"), speak(studio.folder, SPANISH, "es")
    result = studio.make(studio.store(join_sounds(studio.folder, first, second)), burn=False)
    text = subtitle_text(result)
    assert word_errors(f"{ENGLISH} {SPANISH}", text) < 0.25
    assert result.facts["language"] == "en"
    assert [str(note) for note in result.notes] == [
        "Several languages are spoken (en, es). Each is transcribed in its own language."
    ]
    starts = [start for start, _, _ in read_cues(result)]
    assert starts == sorted(starts)


def test_both_languages_are_translated(studio: Studio) -> None:
    first, second = speak(studio.folder, ENGLISH, "en-us"), speak(studio.folder, SPANISH, "es")
    result = studio.make(studio.store(join_sounds(studio.folder, first, second)), translate=True)
    words = set(split_words(subtitle_text(result)))
    assert {"workshop", "blue", "welcome", "chair"} <= words
    assert not {"buenos", "días", "silla"} & words


@pytest.mark.parametrize("language", [None, "en"])
def test_cues_of_a_sound_that_begins_late_are_late(studio: Studio, english: Media, language: str | None) -> None:
    path = studio.folder / "late.mkv"
    source = ["-i", str(english.path), "-itsoffset", "3", "-i", str(english.path), "-map", "0:v", "-map", "1:a"]
    subprocess.run([video.ffmpeg_path(), "-v", "error", "-y", *source, "-c", "copy", str(path)], check=True)
    late = read_cues(studio.make(studio.store(path), language=language))
    soon = read_cues(studio.make(english, language=language))
    assert [text for _, _, text in late] == [text for _, _, text in soon]
    for (late_start, _, _), (start, _, _) in zip(late, soon, strict=True):
        assert late_start - start == pytest.approx(3, abs=0.25)


@pytest.mark.parametrize("cut", [3.0, 4.55])
def test_no_cue_is_shown_after_the_end_of_the_sound(studio: Studio, english: Media, cut: float) -> None:
    path = studio.folder / f"cut-{cut}.wav"
    subprocess.run(
        [video.ffmpeg_path(), "-v", "error", "-y", "-i", str(english.path), "-t", str(cut), str(path)], check=True
    )
    cues = read_cues(studio.make(studio.store(path)))
    assert cues
    assert cues[-1][1] <= cut
    assert all(start < end for start, end, _ in cues)


@pytest.mark.parametrize("seconds", [0.001, 0.2])
def test_a_sound_too_short_to_hold_a_word_is_said_to_have_none(studio: Studio, seconds: float) -> None:
    path = studio.folder / f"short-{seconds}.wav"
    subprocess.run(
        [video.ffmpeg_path(), "-v", "error", "-y", "-f", "lavfi", "-i", f"sine=440:d={seconds}", str(path)], check=True
    )
    result = studio.make(studio.store(path))
    assert [str(note) for note in result.notes] == ["No speech was found, so there are no subtitles."]


@pytest.mark.parametrize("kind", ["silence", "noise", "music"])
def test_nothing_is_invented_where_nobody_speaks(kind: str, studio: Studio, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 16000 * 8)
    samples = {"silence": np.zeros(16000 * 8), "noise": noise, "music": music(8)}[kind]
    result = studio.make(studio.store(write_wav(tmp_path, f"{kind}.wav", samples)))
    assert result.media == ()
    assert [str(note) for note in result.notes] == ["No speech was found, so there are no subtitles."]


def test_long_media_are_read_in_many_pieces_at_once(studio: Studio) -> None:
    """As on a GPU: the pieces of what the voice detector leaves, in one batch."""
    folder = weights_folder(Path("data"))
    spoken = studio.store(speak(studio.folder, LONGER, "en-us"))
    samples = video.read_mono(spoken.path, spoken.mime, SAMPLE_RATE, video.CancelOrTimeout())
    heard = Whisper(registry.path_or_raise(BASE, folder), "cpu", batched_from=10).transcribe(
        samples, "en", "transcribe", lambda: None, lambda _: None
    )
    assert word_errors(LONGER, "".join(word.text for word in heard.words)) < 0.1
    starts = [word.start for word in heard.words]
    assert starts == sorted(starts)
    assert heard.words[-1].end <= len(samples) / SAMPLE_RATE
