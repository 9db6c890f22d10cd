"""Every sentence that a person sees: English where it is used, as a template; its Spanish here under that template."""

from typing import Literal

Language = Literal["en", "es"]

SPANISH: dict[str, str] = {}


def language_of(tag: str | None) -> Language:
    """The language that serves a locale tag such as `es-419`: Spanish for any Spanish, else English."""
    return "es" if (tag or "").lower().split("-")[0].split("_")[0] == "es" else "en"


def say(template: str, language: Language = "en", /, **facts: str | int | float) -> str:
    """The sentence in `language`; English where the Spanish is not written."""
    words = SPANISH.get(template, template) if language == "es" else template
    return words.format(**facts)
