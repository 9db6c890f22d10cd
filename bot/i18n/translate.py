"""What a person reads: English where it is used, as a template; its Spanish in spanish.toml under that template."""

import tomllib
from pathlib import Path
from typing import Literal

Language = Literal["en", "es"]

SPANISH: dict[str, str] = tomllib.loads(Path(__file__).with_name("es.toml").read_text("utf-8"))


def language_of(tag: str | None) -> Language:
    """The language that serves a locale tag such as `es-419`: Spanish for any Spanish, else English."""
    return "es" if (tag or "").lower().split("-")[0].split("_")[0] == "es" else "en"


def translate(template: str, language: Language = "en", /, **facts: str | float) -> str:
    """The sentence in `language`; English where the Spanish is not written."""
    words = SPANISH.get(template, template) if language == "es" else template
    return words.format(**facts)
