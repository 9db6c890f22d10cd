"""Text to speech with the real eSpeak NG and Piper's real voice."""

import re
import time
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import BadInput, Cancelled, MissingModel
from engine.media.video import CancelOrTimeout, read_mono
from engine.tasks import speech as voice
from engine.tasks.film.sound.word_timing import find_sound
from engine.tasks.speech import languages, voices
from engine.tasks.subtitle.whisper import Whisper
from engine.text.language import MODEL_BYTES
from engine.weights import registry
from tests.timing import CANCEL_SECONDS


def said(
    text: str, folder: Path = registry.FOLDER, language: str | None = None, who: str = ""
) -> voice.SynthesizedSpeech:
    return voice.Speaker(folder).speak(text, lambda: None, language, who)


def test_english_is_spoken_by_the_natural_voice_and_whisper_understands_it(tmp_path: Path) -> None:
    spoken = said("The quick brown fox jumps over the lazy dog.")
    assert (spoken.voice, spoken.language, spoken.notes) == ("en_US-joe-medium", "en", ())
    assert 1.5 < spoken.seconds < 6
    voice.save_wav(spoken, tmp_path / "said.wav")
    heard = read_mono(tmp_path / "said.wav", "audio/wav", 16000, CancelOrTimeout())
    whisper = Whisper(registry.path_or_raise("whisper-base", registry.FOLDER), "cpu")
    transcript = whisper.transcribe(heard, "en", "transcribe", lambda: None, lambda _: None)
    assert "brown fox jumps over the lazy dog" in "".join(word.text for word in transcript.words).lower()


def test_a_text_sounds_the_same_whatever_was_spoken_before() -> None:
    speaker = voice.Speaker(registry.FOLDER)
    first = speaker.speak("Night falls.", lambda: None).samples
    assert len(speaker.speak("A ship is lost in a long storm.", lambda: None).samples) != len(first)
    assert np.array_equal(speaker.speak("Night falls.", lambda: None).samples, first)
    assert np.array_equal(said("Night falls.").samples, first)


def test_a_voice_stays_loaded_until_it_is_closed() -> None:
    speaker, elsewhere = voice.Speaker(registry.FOLDER), voice.Speaker(registry.FOLDER, "cuda")
    assert speaker.size == 0
    for each in (speaker, elsewhere):
        each.speak("Hello.", lambda: None)
    assert speaker.size > 50_000_000
    assert elsewhere.size == 0  # its memory is not the card's
    speaker.close()
    assert speaker.size == 0


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_a_voice_that_is_damaged_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "en_US-anna-low.onnx").write_bytes(content)
    about = '{"audio": {"sample_rate": 16000}, "espeak": {"voice": "en-us"}}'
    (tmp_path / "voices" / "en_US-anna-low.onnx.json").write_text(about)
    with pytest.raises(MissingModel, match="The voice en_US-anna-low can't be loaded"):
        said("Hello.", tmp_path)


def test_another_language_is_told_by_its_words_and_spoken_by_espeak_with_a_note() -> None:
    spoken = said("Hola, ¿qué tal estás? Yo soy un retrato que habla.")
    assert (spoken.voice, spoken.language) == ("espeak-ng es", "es")
    assert "eSpeak NG" in str(spoken.notes[0])
    assert float(np.abs(spoken.samples).max()) > 0.1


@pytest.mark.parametrize(("text", "language"), [("Привет, мир", "ru"), ("Bonjour à tous, je suis là pour vous", "fr")])
def test_the_language_follows_from_the_text(text: str, language: str) -> None:
    assert said(text).language == language


def test_without_weights_english_is_espeaks(tmp_path: Path) -> None:
    assert said("Hello there.", tmp_path).voice == "espeak-ng en-us"


def test_a_woman_is_asked_for_and_sounds_higher_than_a_man(tmp_path: Path) -> None:
    woman, man = (pitch(said("Hello there, how are you?", tmp_path, who=who)) for who in ("woman", "man"))
    assert woman > 1.2 * man


def pitch(spoken: voice.SynthesizedSpeech) -> float:
    """The median pitch in hertz, by autocorrelation of the loud pieces."""
    pieces = [spoken.samples[at : at + 1024] for at in range(0, len(spoken.samples) - 1024, 512)]
    found = []
    for piece in pieces:
        if float(np.std(piece)) > 0.05:
            alike = np.correlate(piece, piece, "full")[1023:]
            found.append(spoken.rate / (55 + int(np.argmax(alike[55:370]))))
    return float(np.median(found))


@pytest.mark.parametrize(
    ("language", "text", "voice"),
    [
        ("pt-br", "Bom dia, minha gente.", "espeak-ng pt-br"),
        ("pt_PT", "Bom dia, minha gente.", "espeak-ng pt-pt"),
        ("en-gb", "Good morning.", "espeak-ng en-gb"),
        ("es-mx", "Buenos días.", "espeak-ng es-mx"),
        ("fr-ch", "Bonjour.", "espeak-ng fr-ch"),
        ("eo", "Bonan tagon.", "espeak-ng eo"),
        ("en-us", "Good morning.", "en_US-joe-medium"),
    ],
)
def test_a_dialect_is_spoken_by_its_own_voice(language: str, text: str, voice: str) -> None:
    spoken = said(text, language=language)
    assert spoken.voice == voice
    assert not any("it is spoken as" in note.template for note in spoken.notes)
    assert spoken.seconds > 0.3


def test_dialects_sound_apart() -> None:
    brazil, portugal = (said("De noite a gente canta.", language=each).samples for each in ("pt-br", "pt-pt"))
    assert len(brazil) != len(portugal)


def test_a_dialect_that_nobody_has_is_spoken_as_its_language_and_says_so() -> None:
    spoken = said("Good morning.", language="en-au")
    assert spoken.voice == "en_US-joe-medium"
    assert [note.facts for note in spoken.notes] == [{"dialect": "en-au", "language": "en"}]


def test_a_natural_voice_of_another_dialect_does_not_speak_for_it(tmp_path: Path) -> None:
    folder = tmp_path / voices.FOLDER
    folder.mkdir()
    for end in (".onnx", ".onnx.json"):
        here = registry.FOLDER.absolute() / voices.FOLDER / f"en_US-joe-medium{end}"
        (folder / f"pt_PT-tugao-medium{end}").symlink_to(here)
    assert said("Bom dia.", tmp_path, "pt-br").voice == "espeak-ng pt-br"
    assert said("Bom dia.", tmp_path, "pt-pt").voice == "pt_PT-tugao-medium"
    assert said("Bom dia.", tmp_path, "pt").voice == "pt_PT-tugao-medium"


def test_every_language_that_is_told_to_be_spoken_has_a_voice() -> None:
    assert len(languages.espeak_voices()) > 120
    for language in ("af", "cmn", "en-029", "yue", "hy-arevmda", "no", "vi-vn-x-south", "kl"):
        assert said("1 2 3", language=language).seconds > 0.3


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"who": "bob"}, "There is no voice “bob”. Use one of man, woman, en_US-joe-medium."),
        ({"language": "qq"}, "No voice speaks the language “qq”."),
        ({"language": "ja"}, "kana"),
    ],
)
def test_what_cannot_be_spoken_is_refused_by_name(how: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=re.escape(told)):
        said("日本", **how)


def test_a_text_without_words_is_refused() -> None:
    with pytest.raises(BadInput, match="There is nothing to say"):
        said("...")


def test_a_cancel_ends_it_between_two_sentences() -> None:
    asked = []

    def check() -> None:
        asked.append(1)
        if len(asked) > 1:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        voice.Speaker(registry.FOLDER).speak("One. Two. Three.", check)


def test_the_saved_sound_has_the_samples_that_were_spoken(tmp_path: Path) -> None:
    spoken = said("Hello.", tmp_path)
    voice.save_wav(spoken, tmp_path / "said.wav")
    with wave.open(str(tmp_path / "said.wav")) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (spoken.rate, len(spoken.samples))


@pytest.mark.parametrize(
    ("text", "pauses"),
    [
        ("Mr. Smith lives on St. James St. near Mrs. Jones. He wakes at 5 p.m. every day. Then he reads No. 7.", 2),
        ("Prof. Dr. Brown of Washington D.C. met J. R. R. Tolkien vs. Lt. Lee in the U.S. Army.", 0),
        ("El Sr. Pérez vive en EE. UU. con la Sra. García. Llega a las 5.", 1),
    ],
)
@pytest.mark.parametrize("natural", [True, False])
def test_a_voice_pauses_between_sentences_alone(text: str, pauses: int, natural: bool, tmp_path: Path) -> None:
    spoken = said(text, registry.FOLDER if natural else tmp_path)
    spans = find_sound(spoken.samples, spoken.rate)
    gaps = [after - before for (_, before), (after, _) in pairwise(spans)]
    assert sum(gap > 0.22 for gap in gaps) == pauses, gaps


def test_one_foreign_word_does_not_change_the_voice() -> None:
    spoken = said("The word привет means hello in Russian.")
    assert (spoken.voice, spoken.language) == ("en_US-joe-medium", "en")


def test_the_model_that_tells_languages_counts_while_it_is_loaded(tmp_path: Path) -> None:
    speaker = voice.Speaker(tmp_path)
    speaker.speak("Hello there.", lambda: None, "en")
    assert speaker.size == 0
    speaker.speak("Hello there.", lambda: None)
    assert speaker.size == MODEL_BYTES
    speaker.close()
    assert speaker.size == 0


@pytest.mark.parametrize("language", ["en", "fi"])
def test_a_cancel_ends_a_sentence_that_takes_long_to_speak(language: str) -> None:
    """One sentence of 1,500 letters is one run of the network, or one of eSpeak NG's."""
    checked = list[float]()

    def check() -> None:
        checked.append(time.monotonic())
        if len(checked) > 2 or language == "fi":
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        voice.Speaker(registry.FOLDER).speak("and then we went on " * 75, check, language)
    assert time.monotonic() - checked[-1] < CANCEL_SECONDS
