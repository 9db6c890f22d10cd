"""What a text encoder trained on English reads of a prompt: Latin letters, digits, and emoji by their names."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from engine.text.language import script_of

PLAIN_SIGNS = frozenset("©®™‼⁉ℹ#*0123456789")  # noqa: RUF001  # as people type them
"""Signs that Unicode counts among the emoji and that people write as signs."""
MARKS = frozenset({"Mn", "Mc", "Me", "Cf"})
"""Unicode's categories of what stands on or in a letter."""
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}|\U0001f3f4[\U000e0020-\U000e007f]+")
_INVISIBLE = re.compile("[\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Soft hyphens, zero-width characters and marks of direction. The zero-width joiner holds emoji together."""
_LONG_CHAIN = re.compile("(?:\\S[\U0001f3fb-\U0001f3ff\ufe0f]{0,2}\u200d){6,}")
"""More joined emoji than any sequence of Unicode has (4): the library takes quadratic time on them."""
_LEFT_OF_EMOJI = re.compile("[\u200d\ufe0e\ufe0f\U0001f1e6-\U0001f1ff\U000e0020-\U000e007f]")
_SPACES = re.compile(r"\s+")
_PARTED = re.compile(r"(?<=[^\W\d_])(?=\x01)|(?<=\x02)(?=[\w\x01])|(?<=\d)(?=\x01)")


def readable_form(text: str) -> str:
    """Return `text` with emoji as their CLDR names, full-width and ornamental letters as plain ones.

    Invisible characters go. "a 🐱" is "a cat face", "🇪🇸" is "flag of Spain", "ｃａｔ" and "𝓬𝓪𝓽" are "cat".
    """  # noqa: RUF002  # full-width
    import emoji  # 3 MB, in the worker alone

    visible = _LONG_CHAIN.sub(lambda chain: chain[0].replace("\u200d", ""), _INVISIBLE.sub("", text))
    marked = emoji.replace_emoji(visible, replace=_name)
    named = _PARTED.sub(" ", marked).replace("\x01", "").replace("\x02", "")
    return "".join(map(_plain_letter, _LEFT_OF_EMOJI.sub("", named)))


def unreadable_words(text: str) -> list[str]:
    """Return what of a readable form is in a script other than Latin, or a sign without a name, word by word."""
    return ["".join(run) for readable, run in _runs(text) if not readable]


def without_unreadable_words(text: str) -> str:
    """Return a readable form without what `unreadable_words` finds in it; "" where no word is left."""
    kept = "".join("".join(run) if readable else " " for readable, run in _runs(text))
    return _SPACES.sub(" ", kept).strip() if any(map(str.isalnum, kept)) else ""


def _runs(text: str) -> Iterator[tuple[bool, list[str]]]:
    """Yield the letters of `text` in runs that are readable or not. A mark belongs to the letter before it."""
    held: list[str] = []
    last = True
    for letter in text:
        readable = last if unicodedata.category(letter) in MARKS else _is_readable(letter)
        if held and readable != last:
            yield last, held
            held = []
        held.append(letter)
        last = readable
    if held:
        yield last, held


def _name(sign: str, about: dict[str, Any]) -> str:
    """Return an emoji's name between marks, which become spaces where it touches a word."""
    if sign[0] in PLAIN_SIGNS and "\u20e3" not in sign:
        return sign
    name = str(about["en"]).strip(":").replace("_", " ").replace("(", "").replace(")", "")
    return f"\x01flag of {name}\x02" if _FLAG.fullmatch(sign) else f"\x01{name}\x02"


def _plain_letter(letter: str) -> str:
    plain = unicodedata.normalize("NFKC", letter)
    return plain if len(plain) == 1 and plain.isascii() and plain.isalnum() else letter


def _is_readable(letter: str) -> bool:
    """Whether it is Latin, or no letter but a mark or a digit; a picture sign without a name is not."""
    if letter.isalpha():
        return script_of(letter) in {"LATIN", "MODIFIER", "FEMININE", "MASCULINE"}
    category = unicodedata.category(letter)
    return category not in {"So", "Cn", "Co", "Cs"} and not (category == "Nd" and not letter.isascii())
