"""Translation of sentences for users. The English template stands in the code; a catalogue maps it to each language."""

from typing import Literal

from bot.i18n.catalogue import load_catalogue

Language = Literal["en", "es"]

CATALOGUES = {"es": load_catalogue("es")}
"""Language -> its catalogue. English needs none."""


def language_of(tag: str | None) -> Language:
    """Return the language for a locale tag such as `es-419`: Spanish for any kind of Spanish, or else English."""
    return "es" if (tag or "").lower().split("-")[0].split("_")[0] == "es" else "en"


def translate(template: str, language: Language = "en", /, **facts: str | float) -> str:
    """Return the sentence in `language`, with `facts` filled in. A sentence without a translation stays English."""
    catalogue = CATALOGUES.get(language)
    translated = catalogue.find(template, "", 1) if catalogue else template
    return translated.format(**facts)
