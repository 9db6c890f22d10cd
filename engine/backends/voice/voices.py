"""Which voice speaks a language: those of Piper that lie in the weights folder, or eSpeak NG's."""

import re
from pathlib import Path

from engine.backends.voice.piper import VERSION, PiperVoice
from engine.subtitles.fonts import language_of as of_script

FOLDER = "voices"
"""Where Piper's voices lie under the weights folder; one that the owner drops in is found by its name."""
SEXES = {"joe": "man", "lessac": "woman", "amy": "woman", "davefx": "man", "claude": "woman", "siwis": "woman"}
"""Of Piper's voices, by the second part of the name."""
COMMON = {
    "en": "the a an and is are was you he she they of to in on at it that this i my your we for with not but what have",
    "es": "el la los las es y que en un una de no se por con para está hola yo",
    "fr": "le la les est et que un une de des je vous nous pas pour dans bonjour",
    "de": "der die das und ist ich nicht ein eine zu wir sie mit auf hallo",
    "it": "il la che è e un una di non per con sono ciao gli questo",
    "pt": "o a os as é e que um uma de não para com olá eu você está",
}
"""Words that tell a language. Of those that several share, as a, the first language here has them."""
SCRIPTS = {"а-я": "ru", "α-ω": "el", "א-ת": "he", "ا-ي": "ar", "अ-ह": "hi", "一-鿿": "zh"}  # noqa: RUF001  # letters


def installed(weights: Path) -> list[PiperVoice]:
    found = sorted((weights / FOLDER).glob("*.onnx"))
    return [PiperVoice(path) for path in found if path.with_name(path.name + ".json").is_file()]


def sex_of(voice: PiperVoice) -> str:
    parts = voice.name.split("-")
    return SEXES.get(parts[1] if len(parts) > 1 else "", "")


def identity(weights: Path) -> str:
    """What a text sounds like here: part of a model's identity, so that cached speech is not another voice's."""
    return "+".join([*(f"{voice.name}@{VERSION}" for voice in installed(weights)), "espeak-ng"])


def language_of(text: str) -> str:
    """The language that the letters and the common words of `text` tell; English where they tell nothing."""
    if found := of_script(text):
        return found
    for letters, language in SCRIPTS.items():
        if re.search(f"[{letters}]", text.lower()):
            return language
    words = re.findall(r"\w+", text.lower())
    counts = {language: sum(word in common.split() for word in words) for language, common in COMMON.items()}
    return max(counts, key=lambda language: counts[language])
