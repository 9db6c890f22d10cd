"""Translation of sentences for users. The English template stands in the code; a catalogue maps it to each language."""

from bot.i18n.catalogue import Language, load_catalogue
from bot.i18n.format import FORMATTERS
from engine.core.errors import UserMessage

__all__ = ["CATALOGUES", "Language", "language_of", "translate", "translate_message"]

CATALOGUES = {"es": load_catalogue("es")}
"""Language -> its catalogue. English needs none."""


def language_of(tag: str | None) -> Language:
    """Return the language for a locale tag such as `es-419`: Spanish for any kind of Spanish, or else English."""
    return "es" if (tag or "").lower().split("-")[0].split("_")[0] == "es" else "en"


def translate(template: str, language: Language = "en", /, *, plural: str = "", **facts: str | float) -> str:
    """Return the sentence in `language`, with `facts` filled in. A sentence without a translation stays English.

    With `plural`, the sentence states a count: `facts` has a `count`, which decides the form of the sentence.
    """
    return translate_message(UserMessage(template=template, plural=plural, facts=facts), language)


def translate_message(message: UserMessage, language: Language) -> str:
    """Return the message in `language`. It stays English where a translation is missing."""
    if language not in CATALOGUES:
        return str(message)
    count = int(message.facts["count"]) if message.plural else 1
    found = CATALOGUES[language].find(message.template, message.plural, count)
    return FORMATTERS[language].format(found, **message.facts)
