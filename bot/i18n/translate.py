"""Translation of sentences for users. The English template stands in the code; es.toml maps it to Spanish."""

import tomllib
from pathlib import Path
from typing import Literal

Language = Literal["en", "es"]

SPANISH: dict[str, str] = tomllib.loads(Path(__file__).with_name("es.toml").read_text("utf-8"))
"""English template -> Spanish template."""


def language_of(tag: str | None) -> Language:
    """Return the language for a locale tag such as `es-419`: Spanish for any kind of Spanish, or else English."""
    return "es" if (tag or "").lower().split("-")[0].split("_")[0] == "es" else "en"


def translate(template: str, language: Language = "en", /, **facts: str | float) -> str:
    """Return the sentence in `language`, with `facts` filled in. A sentence without a translation stays English."""
    translated = SPANISH.get(template, template) if language == "es" else template
    return translated.format(**facts)
