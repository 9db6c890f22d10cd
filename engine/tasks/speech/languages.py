"""The languages and dialects that eSpeak NG speaks, read from its data folder without loading it."""

import re
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from engine.core.errors import BadInput
from engine.tasks.subtitle.languages import CODES

ESPEAK_NAMES = {"en": "en-us", "zh": "cmn", "no": "nb", "fil": "tl", "jw": "jv"}
"""eSpeak NG's names for languages that differ from the language code."""
DEFAULT_PRIORITY = 5
"""Priority of a voice for a language if its file gives none. The voice with the lowest number is used."""
_DIALECT = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})+")
_LANGUAGE_LINE = re.compile(r"^language\s+(\S+)(?:\s+(\d+))?", re.MULTILINE)
_DATA_LINE = re.compile(r"Data at: (.+)$", re.MULTILINE)


def normalize_code(language: str) -> str:
    """Return `language` in the form used for comparison: pt_BR becomes pt-br."""
    return language.strip().lower().replace("_", "-")


def base_language(language: str) -> str:
    """Return the language of a dialect: pt for pt-br."""
    return language.partition("-")[0]


def is_dialect(language: str) -> bool:
    """Return whether the code names a dialect, such as pt-br."""
    return _DIALECT.fullmatch(language) is not None


def espeak_voice(language: str) -> str | None:
    """Return the name of eSpeak NG's voice for exactly this language or dialect, or None."""
    return espeak_voices().get(ESPEAK_NAMES.get(language, language))


def is_spoken(language: str) -> bool:
    """Return whether a voice speaks the language or, for a dialect, its language.

    Without eSpeak NG, return whether the code is that of any known language.
    """
    language_only = base_language(language) if is_dialect(language) else language
    if not espeak_voices():
        return language_only in CODES
    return espeak_voice(language) is not None or espeak_voice(language_only) is not None


def unknown_language_error(language: str) -> BadInput:
    """Return the error for a language that no voice speaks."""
    return BadInput(
        "No voice speaks the language “{value}”. Use a code such as en, es or fr.",
        value=language[:40],
    )


@cache
def espeak_voices() -> Mapping[str, str]:
    """Return the name of the voice for each language, in lower case. The name is that of the voice's file."""
    voices: dict[str, tuple[int, str]] = {}
    data = _data_folder()
    for path in sorted((data / "lang").rglob("*")) if data else []:
        if path.is_file():
            name = path.name.lower()
            named = [
                (code.lower(), int(rank or DEFAULT_PRIORITY))
                for code, rank in _LANGUAGE_LINE.findall(path.read_text("utf-8"))
            ]
            for language, rank in [(name, 0 if name in dict(named) else DEFAULT_PRIORITY + 1), *named]:
                voices[language] = min(voices.get(language, (99, name)), (rank, name))
    return {language: name for language, (_, name) in voices.items()}


def _data_folder() -> Path | None:
    """Return the data folder of espeakng-loader, or else of the program installed on the system, or None."""
    if find_spec("espeakng_loader") is not None:
        import espeakng_loader

        return Path(espeakng_loader.get_data_path())
    program = which("espeak-ng")
    if program is None:
        return None
    output = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    found_data = _DATA_LINE.search(output)
    return Path(found_data[1].strip()) if found_data else None
