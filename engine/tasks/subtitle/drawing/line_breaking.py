"""Where a line of any script may be broken, and lines of about the same length.

Scripts with spaces break at them. Chinese, Japanese and Thai have none: BudouX, a small model of Google's, tells their
phrases. What no line holds, such as an address or a compound, breaks after a sign in it or else between any two
characters, but never before a closing sign or after an opening one (kinsoku).
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
NEVER_LAST = frozenset("（［｛「『【〈《〔([{“‘«¿¡$€£")  # noqa: RUF001
HYPHENATED = regex.compile(r"\s*[\p{Latin}\p{Cyrillic}\p{Greek}\p{Armenian}\p{M}]+[,.!?:;…]?")
"""Words of scripts that mark a break inside of a word."""
MAX_WITHOUT_KANA = 12
STEPS = 12
"""How often the width of the lines is halved towards the narrowest that takes no line more."""


def phrases(text: str, language: str) -> list[str]:
    """Return `text` in the pieces between which it breaks best; one piece for scripts with spaces."""
    name = _model(text, language)
    return _kept_together(_parser(name).parse(text)) if name else [text]


def _model(text: str, language: str) -> str:
    """Return the name of BudouX's model for `text`; "" where it has spaces. Japanese without kana is short."""
    if KANA.search(text) or (language == "ja" and HAN.search(text) and len(text) <= MAX_WITHOUT_KANA):
        return "japanese"
    return "simplified_chinese" if HAN.search(text) else "thai" if THAI.search(text) else ""


def characters(text: str) -> list[str]:
    """Return `text` in its smallest pieces, each of which may begin a line; a sign in an address ends one."""
    parts = ADDRESS.findall(text)
    if len(parts) > 1:
        return [str(part) for part in parts]
    return _kept_together(CLUSTER.findall(text))


def _kept_together(parts: Iterable[str]) -> list[str]:
    """Return the parts, of which no one begins or ends with a sign that no line begins or ends with."""
    pieces = list[str]()
    for part in parts:
        if pieces and (part[0] in NEVER_FIRST or pieces[-1][-1] in NEVER_LAST):
            pieces[-1] += part
        else:
            pieces.append(part)
    return pieces


def hyphenate(text: str, measure: Callable[[str], float], limit: float) -> list[str]:
    """Return a word that no line holds in pieces that do, each but the last with a hyphen at its end."""
    clusters = CLUSTER.findall(text)
    lines = pack(clusters, [measure(cluster) for cluster in clusters], limit - measure("-"))
    *most, last = ["".join(line) for line in lines]
    return [*(f"{piece}-" for piece in most), last]


def pack(pieces: Sequence[T], widths: Sequence[float], limit: float) -> list[list[T]]:
    """Return the pieces in as few lines of at most `limit` as hold them, about equally long.

    A piece that is wider than `limit` stands alone.
    """
    count = len(list(_greedy(widths, limit)))
    low, high = 0.0, limit
    for _ in range(STEPS if count > 1 else 0):
        middle = (low + high) / 2
        holds = middle >= max(widths) and len(list(_greedy(widths, middle))) <= count
        low, high = (low, middle) if holds else (middle, high)
    return [list(pieces[start:end]) for start, end in _greedy(widths, high)]


def split_until(text: str, measure: Callable[[str], float], limit: float, language: str) -> list[str]:
    """Return `text`, which has no spaces inside, in pieces that fit a line of `limit`, as whole as that allows."""

    def fits(piece: str) -> bool:
        return measure(piece) <= limit

    if HYPHENATED.fullmatch(text) and not fits(text):
        return hyphenate(text, measure, limit)
    pieces = phrases(text, language)
    for smaller in (characters, CLUSTER.findall):
        pieces = [part for piece in pieces for part in ([piece] if fits(piece) else smaller(piece))]
    return pieces


def _greedy(widths: Sequence[float], limit: float) -> Iterator[tuple[int, int]]:
    start, filled = 0, 0.0
    for at, width in enumerate(widths):
        if at > start and filled + width > limit:
            yield start, at
            start, filled = at, 0.0
        filled += width
    if widths:
        yield start, len(widths)


@cache
def _parser(name: str) -> Any:
    import budoux

    return getattr(budoux, f"load_default_{name}_parser")()
