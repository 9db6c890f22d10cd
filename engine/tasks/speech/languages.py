"""The languages that eSpeak NG speaks here, with their dialects, read from its data folder; nothing of it is loaded."""

import re
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from engine.core.errors import BadInput
from engine.tasks.subtitle.languages import CODES

CALLED = {"en": "en-us", "zh": "cmn", "no": "nb", "fil": "tl", "jw": "jv"}
"""eSpeak NG's name for a language where that is not the language's code."""
USUAL = 5
"""eSpeak NG's priority of a voice for a language where its file says none; the smallest speaks."""
_DIALECT = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})+")
_TOLD = re.compile(r"^language\s+(\S+)(?:\s+(\d+))?", re.MULTILINE)
_DATA = re.compile(r"Data at: (.+)$", re.MULTILINE)


def plain(language: str) -> str:
    """`language` as it is compared: pt_BR is pt-br."""
    return language.strip().lower().replace("_", "-")


def base(language: str) -> str:
    """The language of a dialect: pt of pt-br."""
    return language.partition("-")[0]


def is_dialect(language: str) -> bool:
    return _DIALECT.fullmatch(language) is not None


def voice_of(language: str) -> str | None:
    """What eSpeak NG calls the voice for exactly this language or dialect, or None."""
    return spoken().get(CALLED.get(language, language))


def is_spoken(language: str) -> bool:
    """Whether it is spoken here, or is a dialect of what is; without eSpeak NG, whether it is the code of any."""
    whole = base(language) if is_dialect(language) else language
    if not spoken():
        return whole in CODES
    return voice_of(language) is not None or voice_of(whole) is not None


def unspoken(language: str) -> BadInput:
    return BadInput(
        "language is “{value}”, which no voice here speaks. Give the code of another one, such as en, es or fr.",
        value=language[:40],
    )


@cache
def spoken() -> Mapping[str, str]:
    """By language, lower case, the name of its voice: that of the voice's file."""
    found: dict[str, tuple[int, str]] = {}
    data = _data()
    for path in sorted((data / "lang").rglob("*")) if data else []:
        if path.is_file():
            name = path.name.lower()
            told = [(each.lower(), int(rank or USUAL)) for each, rank in _TOLD.findall(path.read_text("utf-8"))]
            for language, rank in [(name, 0 if name in dict(told) else USUAL + 1), *told]:
                found[language] = min(found.get(language, (99, name)), (rank, name))
    return {language: name for language, (_, name) in found.items()}


def _data() -> Path | None:
    """The data of eSpeak NG: of the package espeakng-loader, or the system's program where that has no build."""
    if find_spec("espeakng_loader") is not None:
        import espeakng_loader

        return Path(espeakng_loader.get_data_path())
    program = which("espeak-ng")
    if program is None:
        return None
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    where = _DATA.search(told)
    return Path(where[1].strip()) if where else None
