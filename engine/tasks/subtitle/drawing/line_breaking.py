"""Break lines of any script into lines of about equal length.

Scripts with spaces break at the spaces. Chinese, Japanese and Thai have none, so Google's small BudouX model finds
their phrases. Text that is too wide for a line, such as a URL or a compound, breaks after a punctuation mark or else
between any two characters, but never before a closing mark or after an opening one (kinsoku).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import regex

T = TypeVar("T")

KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
HAN = regex.compile(r"\p{Han}")
THAI = regex.compile(r"\p{Thai}")
ADDRESS = regex.compile(r"[^/.\-_?&=#:@]*[/.\-_?&=#:@]+|[^/.\-_?&=#:@]+")
CLUSTER = regex.compile(r"\X")
NEVER_FIRST = frozenset(
    "、。，．：；？！）］｝」』】〉》〕・ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ々…‥,.!?:;)]}%”’»ๆฯ"  # noqa: RUF001
)
"""Characters that must not start a line."""
NEVER_LAST = frozenset("（［｛「『【〈《〔([{“‘«¿¡$€£")  # noqa: RUF001
"""Characters that must not end a line."""
HYPHENATED = regex.compile(r"\s*[\p{Latin}\p{Cyrillic}\p{Greek}\p{Armenian}\p{M}]+[,.!?:;…]?")
"""Words in scripts that use a hyphen to break a word."""
MAX_CHARACTERS_WITHOUT_KANA = 12
"""A longer Japanese text without kana is treated as Chinese."""
BISECTION_STEPS = 12
"""How many times the search for the narrowest width halves its interval."""


def split_phrases(text: str, language: str) -> list[str]:
    """Return `text` split at its best line breaks. A script with spaces gives a single piece."""
    name = _budoux_model(text, language)
    return _apply_kinsoku(_load_parser(name).parse(text)) if name else [text]


def _budoux_model(text: str, language: str) -> str:
    """Return the name of the BudouX model for `text`, or "" for a script with spaces."""
    if KANA.search(text) or (language == "ja" and HAN.search(text) and len(text) <= MAX_CHARACTERS_WITHOUT_KANA):
        return "japanese"
    return "simplified_chinese" if HAN.search(text) else "thai" if THAI.search(text) else ""


def split_characters(text: str) -> list[str]:
    """Return `text` in its smallest pieces that may start a line. In a URL, a piece ends after a punctuation mark."""
    parts = ADDRESS.findall(text)
    if len(parts) > 1:
        return [str(part) for part in parts]
    return _apply_kinsoku(CLUSTER.findall(text))


def _apply_kinsoku(parts: Iterable[str]) -> list[str]:
    """Return the parts joined so that none starts with a closing mark or ends with an opening one."""
    pieces = list[str]()
    for part in parts:
        if pieces and (part[0] in NEVER_FIRST or pieces[-1][-1] in NEVER_LAST):
            pieces[-1] += part
        else:
            pieces.append(part)
    return pieces


def hyphenate(text: str, measure: Callable[[str], float], limit: float) -> list[str]:
    """Return a word that is too wide for a line in pieces that fit. Each piece but the last ends with a hyphen."""
    clusters = CLUSTER.findall(text)
    lines = pack(clusters, [measure(cluster) for cluster in clusters], limit - measure("-"))
    *most, last = ["".join(line) for line in lines]
    return [*(f"{piece}-" for piece in most), last]


def pack(pieces: Sequence[T], widths: Sequence[float], limit: float) -> list[list[T]]:
    """Return the pieces in as few lines no wider than `limit` as possible, of about equal length.

    A piece wider than `limit` gets a line of its own.
    """
    count = len(list(_greedy_spans(widths, limit)))
    low, high = 0.0, limit
    for _ in range(BISECTION_STEPS if count > 1 else 0):
        middle = (low + high) / 2
        holds = middle >= max(widths) and len(list(_greedy_spans(widths, middle))) <= count
        low, high = (low, middle) if holds else (middle, high)
    return [list(pieces[start:end]) for start, end in _greedy_spans(widths, high)]


def split_to_fit(text: str, measure: Callable[[str], float], limit: float, language: str) -> list[str]:
    """Return `text`, which contains no spaces, in the largest pieces that fit on a line of width `limit`."""

    def fits(piece: str) -> bool:
        return measure(piece) <= limit

    if HYPHENATED.fullmatch(text) and not fits(text):
        return hyphenate(text, measure, limit)
    pieces = split_phrases(text, language)
    for smaller in (split_characters, CLUSTER.findall):
        pieces = [part for piece in pieces for part in ([piece] if fits(piece) else smaller(piece))]
    return pieces


def _greedy_spans(widths: Sequence[float], limit: float) -> Iterator[tuple[int, int]]:
    """Yield the start and end index of each line when every line takes as many pieces as fit."""
    start, filled = 0, 0.0
    for at, width in enumerate(widths):
        if at > start and filled + width > limit:
            yield start, at
            start, filled = at, 0.0
        filled += width
    if widths:
        yield start, len(widths)


@cache
def _load_parser(name: str) -> Any:
    import budoux

    return getattr(budoux, f"load_default_{name}_parser")()
