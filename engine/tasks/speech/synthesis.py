"""What a text sounds like: the choice of a voice, and its samples."""

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
"""eSpeak NG's variants by what a person asks for."""
MAX_LOADED_VOICES = 2
"""Of Piper's voices, 60 to 120 MB each."""
HAN = re.compile("[一-鿿]")


@dataclass(frozen=True)
class SynthesizedSpeech:
    """Mono `samples` in -1..1 at `rate` a second. `voice` names who spoke, `language` is a code."""

    samples: "NDArray[np.float32]"
    rate: int
    voice: str
    language: str
    notes: tuple[UserMessage, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class _Loaded:
    """A voice's network, of so many bytes."""

    network: Any
    size: int


class Speaker:
    """Speaks with the voices in the folder `weights`. Of Piper's those that spoke last stay loaded, MOST of them.

    What they take is counted where the worker's `device` is the CPU, which they run on. Safe in several threads.
    """

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        self._weights = weights
        self._counted = device == "cpu"
        self._loaded: OrderedDict[Path, _Loaded] = OrderedDict()
        self._languages = LanguageDetector()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes on the device."""
        if not self._counted:
            return 0
        return self._languages.bytes + sum(each.size for each in tuple(self._loaded.values()))

    def close(self) -> None:
        self._loaded.clear()
        self._languages.close()

    def speak(
        self, text: str, check: Callable[[], None], language: str | None = None, voice: str = ""
    ) -> SynthesizedSpeech:
        """`text` spoken, the same each time. `language`, which may be a dialect such as pt-br, is told by it where that
        is None; `voice` is man, woman, or one of Piper's names.

        `check` is asked now and then; what it raises ends this. Raises BadInput for a language or a voice that is not
        here, or a text with nothing to say in it.
        """
        asked = languages.plain(language or "") or self._languages.detect(text)
        chosen, notes = find_voice(voice, self._weights) or self._of_piper(asked, voice), tuple[UserMessage, ...]()
        if chosen is None and languages.voice_of(asked) is None and languages.is_dialect(asked):
            asked, notes = _wider(asked)
            chosen = self._of_piper(asked, voice)
        if chosen:
            sentences = split_sentences(text, chosen.language)
            samples, rate = chosen.synthesize(sentences, self._network(chosen.path), check)
            return _heard(SynthesizedSpeech(samples, rate, chosen.name, chosen.language, notes))
        return _heard(_of_espeak(text, asked, voice, notes, check))

    def _of_piper(self, language: str, voice: str) -> "PiperVoice | None":
        """One that speaks the language, or exactly the dialect."""
        here = [one for one in voices.list_voices(self._weights) if language in (one.language, one.dialect)]
        return next((one for one in here if voice in ("", voices.sex_of(one))), None)

    def _network(self, path: Path) -> Any:
        from engine.tasks.speech.piper_network import session  # loads ONNX Runtime

        with self._lock:
            if path not in self._loaded:
                self._loaded[path] = _Loaded(session(path), path.stat().st_size)
            self._loaded.move_to_end(path)
            while len(self._loaded) > MAX_LOADED_VOICES:
                self._loaded.popitem(last=False)
            return self._loaded[path].network


def load(settings: WorkerSettings) -> Speaker:
    return Speaker(settings.weights, settings.device)


def find_voice(voice: str, weights: Path) -> "PiperVoice | None":
    """Piper's voice of that name; None for "", man and woman. Raises BadInput for a name that no voice here has."""
    here = voices.list_voices(weights)
    named = next((one for one in here if one.name.lower() == voice.lower()), None)
    if named is None and voice not in VARIANTS:
        known = ", ".join(["man", "woman", *(one.name for one in here)])
        raise BadInput("voice is “{value}”; it must be one of {known}.", value=voice[:40], known=known)
    return named


def save(spoken: SynthesizedSpeech, path: Path) -> None:
    path.write_bytes(wav(spoken))


def wav(spoken: SynthesizedSpeech) -> bytes:
    """A WAV of 16 bits."""
    import numpy as np

    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(spoken.rate)
        sound.writeframes((np.clip(spoken.samples, -1, 1) * 32767).astype("<i2").tobytes())
    return held.getvalue()


def _wider(dialect: str) -> tuple[str, tuple[UserMessage, ...]]:
    """The language that `dialect` is of, and what is told of it."""
    note = UserMessage(
        template="No voice here speaks {dialect}: it is spoken as {language}.",
        facts={"dialect": dialect, "language": languages.base(dialect)},
    )
    return languages.base(dialect), (note,)


def _of_espeak(
    text: str, language: str, voice: str, notes: tuple[UserMessage, ...], check: Callable[[], None]
) -> SynthesizedSpeech:
    if language == "ja" and HAN.search(text):
        raise BadInput("The Japanese voice here reads kana and no kanji. Write the text in kana.")
    samples, rate = espeak.synthesize(split_sentences(text, language), language, check, VARIANTS[voice])
    note = UserMessage(
        template="Spoken by eSpeak NG, which sounds like a machine: "
        "no natural voice of that kind for {language} is here.",
        facts={"language": language},
    )
    return SynthesizedSpeech(samples, rate, f"espeak-ng {espeak.espeak_name(language)}", language, (*notes, note))


def _heard(spoken: SynthesizedSpeech) -> SynthesizedSpeech:
    import numpy as np

    if not len(spoken.samples) or float(np.abs(spoken.samples).max()) < 0.01:
        raise BadInput("text has nothing in it that can be spoken. Write some words.")
    return spoken
