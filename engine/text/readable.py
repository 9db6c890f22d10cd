"""Convert prompts to what an English text encoder can read: Latin letters, digits, and the names of emoji."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from engine.text.language import script_of

PLAIN_SIGNS = frozenset("©®™‼⁉ℹ#*0123456789")  # noqa: RUF001  # as people type them
"""Signs that Unicode lists as emoji but that people use as ordinary text."""
MARK_CATEGORIES = frozenset({"Mn", "Mc", "Me", "Cf"})
"""Unicode's categories of combining marks and format characters, which belong to the letter before them."""
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}|\U0001f3f4[\U000e0020-\U000e007f]+")
_INVISIBLE = re.compile("[\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Soft hyphens, zero-width characters and direction marks, but not the zero-width joiner, which joins emoji."""
_LONG_CHAIN = re.compile("(?:\\S[\U0001f3fb-\U0001f3ff\ufe0f]{0,2}\u200d){6,}")
"""More joined emoji than the longest sequence in Unicode (4). The emoji library takes quadratic time on them."""
_LEFT_OF_EMOJI = re.compile("[\u200d\ufe0e\ufe0f\U0001f1e6-\U0001f1ff\U000e0020-\U000e007f]")
_SPACES = re.compile(r"\s+")
_PARTED = re.compile(r"(?<=[^\W\d_])(?=\x01)|(?<=\x02)(?=[\w\x01])|(?<=\d)(?=\x01)")


def readable_form(text: str) -> str:
    """Return `text` with emoji replaced by their CLDR names, and full-width and ornamental letters by plain ones.

    Invisible characters are removed. "a 🐱" becomes "a cat face", "🇪🇸" becomes "flag of Spain", and "ｃａｔ" and "𝓬𝓪𝓽"
    become "cat".
    """  # noqa: RUF002  # full-width
    import emoji  # 3 MB, in the worker alone

    visible = _LONG_CHAIN.sub(lambda chain: chain[0].replace("\u200d", ""), _INVISIBLE.sub("", text))
    marked = emoji.replace_emoji(visible, replace=_name)
    named = _PARTED.sub(" ", marked).replace("\x01", "").replace("\x02", "")
    return "".join(map(_plain_letter, _LEFT_OF_EMOJI.sub("", named)))


def unreadable_words(text: str) -> list[str]:
    """Return the runs of a readable form that are not in Latin script, including pictographs without a name."""
    return ["".join(run) for readable, run in _runs(text) if not readable]


def without_unreadable_words(text: str) -> str:
    """Return a readable form without the runs that `unreadable_words` returns, or "" if no word is left."""
    kept = "".join("".join(run) if readable else " " for readable, run in _runs(text))
    return _SPACES.sub(" ", kept).strip() if any(map(str.isalnum, kept)) else ""


def _runs(text: str) -> Iterator[tuple[bool, list[str]]]:
    """Yield the characters of `text` in runs, each with whether it is readable. A mark belongs to the letter before."""
    held: list[str] = []
    last = True
    for letter in text:
        readable = last if unicodedata.category(letter) in MARK_CATEGORIES else _is_readable(letter)
        if held and readable != last:
            yield last, held
            held = []
        held.append(letter)
        last = readable
    if held:
        yield last, held


def _name(sign: str, about: dict[str, Any]) -> str:
    """Return an emoji's name between two control characters, which later become spaces where it touches a word."""
    if sign[0] in PLAIN_SIGNS and "\u20e3" not in sign:
        return sign
    name = str(about["en"]).strip(":").replace("_", " ").replace("(", "").replace(")", "")
    return f"\x01flag of {name}\x02" if _FLAG.fullmatch(sign) else f"\x01{name}\x02"


def _plain_letter(letter: str) -> str:
    plain = unicodedata.normalize("NFKC", letter)
    return plain if len(plain) == 1 and plain.isascii() and plain.isalnum() else letter


def _is_readable(letter: str) -> bool:
    """Return whether a character is a Latin letter, an ASCII digit or punctuation, and not a pictograph."""
    if letter.isalpha():
        return script_of(letter) in {"LATIN", "MODIFIER", "FEMININE", "MASCULINE"}
    category = unicodedata.category(letter)
    return category not in {"So", "Cn", "Co", "Cs"} and not (category == "Nd" and not letter.isascii())
