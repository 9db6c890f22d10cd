"""Narration in step with its words, and sound as loud as it should be."""

import wave
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import BadInput
from engine.core.job import Media
from engine.core.params import MAX_SEED
from engine.media import files as media
from engine.media.video import CancelOrTimeout, read_mono
from engine.tasks.film.film import Film
from engine.tasks.film.sound.mix import (
    SAMPLE_RATE,
    TARGET_LUFS,
    PlacedSpeech,
    measure_loudness,
    mix_sound,
    write_speech_track,
)
from engine.tasks.film.sound.word_timing import find_sound, narrate, time_words
from engine.tasks.speech import Speaker, save_wav

WATCH = CancelOrTimeout()


def sound(folder: Path, loud: float, seconds: float, pitch: float = 330) -> Media:
    """A tone that comes and goes, so that it has the ups and downs of a real sound."""
    at = np.arange(round(SAMPLE_RATE * seconds)) / SAMPLE_RATE
    tone = loud * np.sin(2 * np.pi * pitch * at) * (0.6 + 0.4 * np.sin(2 * np.pi * 2 * at))
    path = folder / f"{loud}-{pitch}.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((tone * 32767).astype("<i2").tobytes())
    return media.keep(path, folder / "media").model_copy(update={"seconds": seconds})


def heard(path: Path) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return read_mono(path, "audio/wav", SAMPLE_RATE, WATCH)


def test_each_word_has_the_time_at_which_it_is_said() -> None:
    rate = 1000
    silence, voice = np.zeros(500, np.float32), np.ones(1000, np.float32)
    samples = np.concatenate([silence, voice, silence, silence, voice, silence])
    words = time_words("One two. Three four.", samples, rate, "en")
    assert [word.text for word in words] == ["One", " two.", " Three", " four."]
    assert [word.start for word in words] == pytest.approx([0.5, 0.93, 2.5, 3.0], abs=0.02)
    assert words[1].end == pytest.approx(1.5, abs=0.02)
    assert words[-1].end == pytest.approx(3.5, abs=0.02)


def test_a_pause_is_given_to_a_sentence_and_not_to_an_abbreviation() -> None:
    rate = 1000
    silence, voice = np.zeros(500, np.float32), np.ones(2000, np.float32)
    samples = np.concatenate([silence, voice, silence, voice, silence])
    words = time_words("Mr. Lee saw St. James. He then met Mrs. Jones.", samples, rate, "en")
    assert words[4].text == " James."
    assert words[4].end == pytest.approx(2.5, abs=0.02)
    assert words[5].start == pytest.approx(3.0, abs=0.02)


def test_what_is_silent_throughout_is_one_span() -> None:
    assert find_sound(np.zeros(100, np.float32), 100) == [(0.0, 1.0)]


def test_a_text_is_spoken_and_its_words_are_within_it(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "voice.wav"
    spoken, words = narrate("Hello there. It is late.", Speaker(weights), lambda: None, language=None, voice="")
    save_wav(spoken, path)
    assert "".join(word.text for word in words) == "Hello there. It is late."
    assert 0 <= words[0].start < words[-1].end <= spoken.seconds
    assert len(heard(path)) / SAMPLE_RATE == pytest.approx(spoken.seconds, abs=0.01)


def test_recordings_begin_where_they_belong_to_the_sample(tmp_path: Path) -> None:
    path = tmp_path / "track.wav"
    write_speech_track(
        [PlacedSpeech(sound(tmp_path, 0.5, 1), 0.5), PlacedSpeech(sound(tmp_path, 0.05, 1, 500), 2.0)], 4, path, WATCH
    )
    told = heard(path)
    loud = np.abs(told) > 0.01
    assert len(told) == 4 * SAMPLE_RATE
    assert np.flatnonzero(loud)[0] / SAMPLE_RATE == pytest.approx(0.5, abs=0.002)
    later = np.flatnonzero(loud[round(1.8 * SAMPLE_RATE) :])[0] / SAMPLE_RATE + 1.8
    assert later == pytest.approx(2.0, abs=0.002)
    quiet = (
        np.abs(told[round(2.2 * SAMPLE_RATE) : round(2.8 * SAMPLE_RATE)]).max()
        / np.abs(told[SAMPLE_RATE : round(1.3 * SAMPLE_RATE)]).max()
    )
    assert 0.5 < quiet < 2  # the softer recording was made as loud


@pytest.mark.parametrize("loud", [0.9, 0.02])
def test_a_sound_comes_out_at_minus_16_lufs_without_clipping(tmp_path: Path, loud: float) -> None:
    spoken = tmp_path / "track.wav"
    write_speech_track([PlacedSpeech(sound(tmp_path, loud, 6), 0)], 6, spoken, WATCH)
    told = mix_sound(spoken, None, 6, tmp_path / "mix.wav", WATCH)
    loudness, peak = measure_loudness(tmp_path / "mix.wav", WATCH)
    assert told == loudness == pytest.approx(TARGET_LUFS, abs=0.5)
    assert peak <= -1.4


def test_music_gives_way_to_speech_goes_round_and_fades(tmp_path: Path) -> None:
    music, path = sound(tmp_path, 0.3, 2, 3000), tmp_path / "mix.wav"
    write_speech_track([PlacedSpeech(sound(tmp_path, 0.5, 4), 4)], 12, tmp_path / "track.wav", WATCH)
    mix_sound(tmp_path / "track.wav", music, 12, path, WATCH)
    told = heard(path)

    def high(start: float, end: float) -> float:
        part = told[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        spectrum = np.abs(np.fft.rfft(part)) / len(part)
        hertz = np.fft.rfftfreq(len(part), 1 / SAMPLE_RATE)
        return float(spectrum[(hertz > 2900) & (hertz < 3100)].max())

    assert len(told) == 12 * SAMPLE_RATE
    assert high(5, 7) < 0.5 * high(1, 3)
    assert high(9.2, 10) > 0.6 * high(1, 3)
    assert high(11.8, 12) < 0.2 * high(9, 10)


def test_silence_stays_silent(tmp_path: Path) -> None:
    write_speech_track([], 3, tmp_path / "track.wav", WATCH)
    assert mix_sound(tmp_path / "track.wav", None, 3, tmp_path / "mix.wav", WATCH) is None
    assert not np.abs(heard(tmp_path / "mix.wav")).max()


def test_damaged_music_is_refused(tmp_path: Path) -> None:
    broken = media.keep(b"ID3" + bytes(range(256)) * 20, tmp_path / "media")
    with pytest.raises(BadInput, match="no readable audio or video"):
        mix_sound(None, broken, 3, tmp_path / "mix.wav", WATCH)


def test_a_seed_family_is_one_seed_after_the_other() -> None:
    from engine.tasks.film.film import Scene

    film = Film((Scene("a"), Scene("b", seed=7), Scene("c")), seed=MAX_SEED)
    assert [film.seed_of(number) for number in range(3)] == [MAX_SEED, 7, 1]
