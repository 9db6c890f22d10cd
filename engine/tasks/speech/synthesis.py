"""Choose a voice for a text and synthesise its speech."""

import io
import re
import threading
import wave
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import BadInput, UserMessage
from engine.core.settings import WorkerSettings
from engine.tasks.speech import espeak, languages, voices
from engine.text.language import LanguageDetector
from engine.text.sentences import split_sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.tasks.speech.piper import PiperVoice

VARIANTS = {"": "", "man": "m3", "woman": "f3"}
"""eSpeak NG variant for each value of the option `voice`."""
MAX_LOADED_VOICES = 2
"""Maximum number of loaded Piper networks. Each takes 60 to 120 MB."""
HAN = re.compile("[一-鿿]")
"""Chinese characters, which are kanji in Japanese."""


@dataclass(frozen=True)
class SynthesizedSpeech:
    """Mono `samples` in -1..1 at `rate` samples per second. `voice` names the voice, `language` is a code."""

    samples: "NDArray[np.float32]"
    rate: int
    voice: str
    language: str
    notes: tuple[UserMessage, ...] = ()

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class _LoadedNetwork:
    """The network of a voice. `size` is in bytes."""

    network: Any
    size: int


class Speaker:
    """Speaks with the voices in the folder `weights`. The last MAX_LOADED_VOICES Piper networks stay loaded.

    Their memory only counts if the worker's `device` is the CPU, where they run. Safe to use from several threads.
    """

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        self._weights = weights
        self._counts_memory = device == "cpu"
        self._loaded: OrderedDict[Path, _LoadedNetwork] = OrderedDict()
        self._languages = LanguageDetector()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes used on the device."""
        if not self._counts_memory:
            return 0
        return self._languages.bytes + sum(network.size for network in tuple(self._loaded.values()))

    def close(self) -> None:
        """Unload all networks."""
        self._loaded.clear()
        self._languages.close()

    def speak(
        self, text: str, check: Callable[[], None], language: str | None = None, voice: str = ""
    ) -> SynthesizedSpeech:
        """Return `text` as speech. The result is the same every time.

        `language` may be a dialect such as pt-br; None detects it from the text. `voice` is "", man, woman or the name
        of a Piper voice. `check` is called regularly; an exception from it ends the call. Raises BadInput for an
        unknown language or voice, and for a text without words.
        """
        asked = languages.normalize_code(language or "") or self._languages.detect(text)
        chosen, notes = (
            find_voice(voice, self._weights) or self._find_piper_voice(asked, voice),
            tuple[UserMessage, ...](),
        )
        if chosen is None and languages.espeak_voice(asked) is None and languages.is_dialect(asked):
            asked, notes = _fall_back_to_language(asked)
            chosen = self._find_piper_voice(asked, voice)
        if chosen:
            sentences = split_sentences(text, chosen.language)
            samples, rate = chosen.synthesize(sentences, self._network(chosen.path), check)
            return _check_audible(SynthesizedSpeech(samples, rate, chosen.name, chosen.language, notes))
        return _check_audible(_speak_with_espeak(text, asked, voice, notes, check))

    def _find_piper_voice(self, language: str, voice: str) -> "PiperVoice | None":
        """Return a Piper voice that speaks the language, or exactly the dialect, or None."""
        installed = [
            candidate
            for candidate in voices.list_voices(self._weights)
            if language in (candidate.language, candidate.dialect)
        ]
        return next((candidate for candidate in installed if voice in ("", voices.sex_of(candidate))), None)

    def _network(self, path: Path) -> Any:
        from engine.tasks.speech.piper_network import load_session  # loads ONNX Runtime

        with self._lock:
            if path not in self._loaded:
                self._loaded[path] = _LoadedNetwork(load_session(path), path.stat().st_size)
            self._loaded.move_to_end(path)
            while len(self._loaded) > MAX_LOADED_VOICES:
                self._loaded.popitem(last=False)
            return self._loaded[path].network


def load(settings: WorkerSettings) -> Speaker:
    """Return a speaker. Voices are loaded when they are first used."""
    return Speaker(settings.weights, settings.device)


def find_voice(voice: str, weights: Path) -> "PiperVoice | None":
    """Return the Piper voice with that name, or None for "", man and woman. Raises BadInput for an unknown name."""
    installed = voices.list_voices(weights)
    named = next((candidate for candidate in installed if candidate.name.lower() == voice.lower()), None)
    if named is None and voice not in VARIANTS:
        known = ", ".join(["man", "woman", *(candidate.name for candidate in installed)])
        raise BadInput("There is no voice “{value}”. Use one of {known}.", value=voice[:40], known=known)
    return named


def save_wav(speech: SynthesizedSpeech, path: Path) -> None:
    """Write the speech to `path` as a 16-bit WAV."""
    path.write_bytes(encode_wav(speech))


def encode_wav(speech: SynthesizedSpeech) -> bytes:
    """Return the speech as a 16-bit WAV."""
    import numpy as np

    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(speech.rate)
        sound.writeframes((np.clip(speech.samples, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def _fall_back_to_language(dialect: str) -> tuple[str, tuple[UserMessage, ...]]:
    """Return the language of `dialect`, and a note for the user about it."""
    note = UserMessage(
        template="There is no {dialect} voice, so {language} was used.",
        facts={"dialect": dialect, "language": languages.base_language(dialect)},
    )
    return languages.base_language(dialect), (note,)


def _speak_with_espeak(
    text: str, language: str, voice: str, notes: tuple[UserMessage, ...], check: Callable[[], None]
) -> SynthesizedSpeech:
    if language == "ja" and HAN.search(text):
        raise BadInput("The Japanese voice can't read kanji. Write the text in kana.")
    samples, rate = espeak.synthesize(split_sentences(text, language), language, check, VARIANTS[voice])
    note = UserMessage(
        template="There is no natural voice of this kind for {language}, so the robotic eSpeak NG voice was used.",
        facts={"language": language},
    )
    return SynthesizedSpeech(samples, rate, f"espeak-ng {espeak.espeak_name(language)}", language, (*notes, note))


def _check_audible(speech: SynthesizedSpeech) -> SynthesizedSpeech:
    """Return the speech. Raises BadInput if it is silent."""
    import numpy as np

    if not len(speech.samples) or float(np.abs(speech.samples).max()) < 0.01:
        raise BadInput("There is nothing to say in this text. Write some words.")
    return speech
