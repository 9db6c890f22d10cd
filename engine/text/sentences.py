"""Split text into sentences with yasbd, which knows that abbreviations, initials, decimals and URLs do not end one.

Comparison on 35 texts in 14 languages, 2026-11: yasbd 1.0.4 was right on 31, sentencex and blingfire on 23 and 22, and
sentencesplit, nupunkt, pysbd-plus, simplemma, syntok and sakurs on 7 to 21.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yasbd import BoundaryDetector

MAX_BLOCK_CHARACTERS = 2000
"""Maximum length of text split at once. The rules take quadratic time on hostile text, 20 ms for this length."""
SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！", "؟", "।")  # noqa: RUF001  # full-width
RELATED = {
    "ast": "es", "be": "ru", "ca": "es", "cmn": "zh", "gl": "pt", "lb": "de", "nb": "da", "nn": "da", "no": "da",
    "oc": "fr", "wuu": "zh", "yue": "zh",
}  # fmt: skip
"""For each language without its own rules, the language with the most similar abbreviations and punctuation."""
DEFAULT_LANGUAGE = "en"
"""The language whose rules apply to every other language."""
_BLOCK_ENDS = (re.compile(r"[.?!…؟।]\s|[。？！]"), re.compile(r"\s"))  # noqa: RUF001  # full-width


def split_sentences(text: str, language: str) -> list[str]:
    """Return the sentences of `text` without surrounding space. `language` is a code such as en or pt-br."""
    pieces = (piece.strip() for piece in _split(text, language))
    return [piece for piece in pieces if piece]


def sentence_ends(text: str, language: str) -> list[int]:
    """Return the offset in `text` of the end of each sentence, before the space that follows it."""
    ends, at = [], 0
    for piece in _split(text, language):
        if piece.strip():
            ends.append(at + len(piece.rstrip()))
        at += len(piece)
    return ends


def _split(text: str, language: str) -> Iterator[str]:
    """Yield the sentences with their surrounding space. Joined, they equal `text`."""
    detector = _detector(language)
    for block in _blocks(text):
        yield from detector.segment(block, preserve_whitespace=True)


def _blocks(text: str) -> Iterator[str]:
    """Yield blocks of at most MAX_BLOCK_CHARACTERS that end after a sentence or, if none ends, after a word."""
    while len(text) > MAX_BLOCK_CHARACTERS:
        window = text[:MAX_BLOCK_CHARACTERS]
        ends = next(filter(None, ([match.end() for match in end.finditer(window)] for end in _BLOCK_ENDS)), None)
        cut = ends[-1] if ends else MAX_BLOCK_CHARACTERS
        yield text[:cut]
        text = text[cut:]
    yield text


@cache
def _detector(language: str) -> "BoundaryDetector":
    from yasbd import BoundaryDetector, get_supported_langs

    base = language.partition("-")[0]
    rules = next((code for code in (base, RELATED.get(base, "")) if code in get_supported_langs()), DEFAULT_LANGUAGE)
    return BoundaryDetector(rules)
