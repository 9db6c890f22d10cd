"""Numbers, sizes, durations and percentages in the user's language."""

from decimal import Decimal

from babel import Locale
from babel.numbers import format_decimal, format_percent

from bot.i18n.catalogue import Language
from engine.core.message_format import ENGLISH, MessageFormatter

MIN_GROUPED = 10_000
"""Smaller numbers have no separator: 1234. "1.234" would be a decimal fraction to a reader in Mexico."""


class LocalFormatter(MessageFormatter):
    """Fills the facts into translated sentences, with numbers as Babel writes them in a language."""

    def __init__(self, language: Language) -> None:
        self._locale = Locale(language)

    def format_number(self, number: float, format_spec: str) -> str:
        """Return the number with the digits that Python's format asks for, and with the language's separators."""
        if format_spec == ".0%":
            return format_percent(number, locale=self._locale)
        digits = Decimal(format(number, format_spec).replace(",", ""))
        places = len(str(digits).partition(".")[2])
        pattern = "#,##0" + ("." + "0" * places if places else "")
        grouped = "," in format_spec and abs(digits) >= MIN_GROUPED
        return format_decimal(digits, pattern, self._locale, group_separator=grouped)


FORMATTERS: dict[Language, MessageFormatter] = {"en": ENGLISH, "es": LocalFormatter("es")}


def format_number(number: float, language: Language, format_spec: str = ",") -> str:
    """Return a number in a format of Python's with the language's separators: "12,000", or "12.000" in Spanish."""
    return FORMATTERS[language].format_number(number, format_spec)


def format_bytes(count: int, language: Language) -> str:
    """Return a number of bytes with a decimal unit: "1.5 GB", or "1,5 GB" in Spanish."""
    return FORMATTERS[language].format_bytes(count)


def format_duration(seconds: float, language: Language) -> str:
    """Return a duration in its two largest units: "0.3 s" ("0,3 s" in Spanish), "3 min 20 s", "2 d 4 h"."""
    return FORMATTERS[language].format_duration(seconds)


def format_share(share: float, language: Language) -> str:
    """Return a fraction of 0 to 1 as a percentage: "45%", or "45 %" in Spanish."""
    return FORMATTERS[language].format_number(share, ".0%")
