"""Words with times to cues, cut as a subtitler would: where clauses end, readable, never three lines.

The bounds are the usual ones of broadcasters and streaming services (BBC Subtitle Guidelines, Netflix Timed Text Style
Guide): 42 characters a line, two lines, 17 characters a second, 0.8 to 7 seconds, two frames between cues.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise

from engine.text.sentences import SENTENCE_ENDS, sentence_ends

LINE = 42
"""Cells of a line; a Chinese, Japanese or Korean character takes two."""
PACE = 17.0
"""Characters a second that people read."""
SHORTEST, LONGEST = 0.8, 7.0
APART = 0.08
"""Seconds between two cues."""
PAUSE = 0.8
"""A silence of so many seconds ends a cue."""
CLOSING = "\"'”’»)]"  # noqa: RUF001  # as people type them
"""Marks that may stand after the end of a sentence."""
CLAUSE_ENDS = (",", ";", ":", "—", "،", "؛", "、", "，", "；", "：")  # noqa: RUF001  # full-width
_ENGLISH = "and but or because so that which who when where while if then than as with for from to of in on at by"
_SPANISH = "y e o u pero porque que cuando donde mientras si entonces como con para por de del a en sin sobre"
JOINING = frozenset(f"{_ENGLISH} {_SPANISH}".split())
"""Words that begin a clause or a phrase: a break before one reads well."""


@dataclass(frozen=True)
class Style:
    """How words differ from the rest. `colour` is `#rrggbb`, or empty for the rest's colour."""

    italic: bool = False
    bold: bool = False
    underline: bool = False
    strike: bool = False
    colour: str = ""


PLAIN = Style()


@dataclass(frozen=True)
class Word:
    """A word as it is written, with the space before it where its language has one. Times are in seconds."""

    text: str
    start: float
    end: float
    style: Style = PLAIN
    ends_sentence: bool = field(default=False, compare=False)
    """Set by `cut`, whatever it was before."""


@dataclass(frozen=True)
class Cue:
    """What is shown from `start` to `end`, in seconds. `lines` are its words by line; `second` is a translation.

    `place` is where it stands, numbered as a keypad is (2 is bottom centre, 8 is top centre); 0 where nobody said.
    """

    start: float
    end: float
    lines: tuple[tuple[Word, ...], ...]
    second: tuple[str, ...] = ()
    place: int = 0

    @property
    def text(self) -> str:
        return "\n".join((*(joined(line) for line in self.lines), *self.second))


Untimed = tuple[str, float | None, float | None]


def joined(words: Sequence[Word]) -> str:
    return "".join(word.text for word in words).strip()


def cells(text: str) -> int:
    """The width of `text` in cells of a line."""
    marks = ("Mn", "Me", "Cf")
    return sum(
        2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
        if unicodedata.category(letter) not in marks
    )


def cut(words: Sequence[Word], line: int = LINE, language: str = "en") -> list[Cue]:
    """Return the cues of `words`, which are in order. No word is lost.

    `line` is the bound of a line in cells; `language`, a code, tells abbreviations from the ends of sentences.
    """
    words = [piece for word in words if word.text.strip() for piece in _pieces(word, line)]
    words = _with_sentence_ends(words, language)
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(words) + 1):
        best.append(min(_candidates(words, end, line, best)))
    ends = [len(words)]
    while ends[-1]:
        ends.append(best[ends[-1]][1])
    spans = zip(reversed(ends[1:]), reversed(ends[:-1]), strict=True)
    return _timed([_cue(words[start:end], line) for start, end in spans])


def _with_sentence_ends(words: Sequence[Word], language: str) -> list[Word]:
    """Return the words, each told whether a sentence ends with it."""
    ends = set(sentence_ends("".join(word.text for word in words), language))
    lasts = accumulate(len(word.text) for word in words)
    return [
        replace(word, ends_sentence=_has_end_mark(word) and last - _space_after(word) in ends)
        for word, last in zip(words, lasts, strict=True)
    ]


def _has_end_mark(word: Word) -> bool:
    return word.text.rstrip().rstrip(CLOSING).endswith(SENTENCE_ENDS)


def _space_after(word: Word) -> int:
    return len(word.text) - len(word.text.rstrip())


def _candidates(
    words: Sequence[Word], end: int, line: int, best: Sequence[tuple[float, int]]
) -> list[tuple[float, int]]:
    """The cost of every cue that ends before word `end`, with the best of what stands before it."""
    found: list[tuple[float, int]] = []
    for start in range(end - 1, -1, -1):
        span = words[start:end]
        if found and not _fits(span, line):
            break
        found.append((best[start][0] + _cost(span, words[end] if end < len(words) else None), start))
    return found


def _fits(span: Sequence[Word], line: int) -> bool:
    pause = any(after.start - before.end > PAUSE for before, after in pairwise(span))
    return not pause and span[-1].end - span[0].start <= LONGEST and _split(span, line) is not None


def _cost(span: Sequence[Word], following: Word | None) -> float:
    """How badly a cue of `span` reads, `following` being the word after it."""
    text = joined(span)
    seconds = max(span[-1].end - span[0].start, 0.01)
    inner_ends = sum(word.ends_sentence for word in span[:-1])
    cost = 1.0 + 1.2 * inner_ends + max(0.0, len(text) / seconds - PACE) * 0.05
    if following is not None:
        cost += _break(span[-1], following)
    if len(span) == 1 and not span[0].ends_sentence:
        cost += 2.0
    return cost + max(0.0, SHORTEST - seconds)


def _break(before: Word, after: Word) -> float:
    """How badly a break between two words reads: nothing at a sentence's end, most inside a phrase."""
    if before.ends_sentence or after.start - before.end > PAUSE:
        return 0.0
    if before.text.rstrip().endswith(CLAUSE_ENDS):
        return 0.5
    return 1.0 if _joins(after) and not _joins(before) else 2.0 + 0.5 * _joins(before)


def _joins(word: Word) -> bool:
    return word.text.strip().lower().strip("¿¡") in JOINING


def _split(span: Sequence[Word], line: int) -> int | None:
    """Where the second line begins; 0 for one line, None where two do not hold it."""
    if cells(joined(span)) <= line:
        return 0
    fitting = [
        (_break(span[at - 1], span[at]) * line / 6 + abs(cells(joined(span[:at])) - cells(joined(span[at:]))), at)
        for at in range(1, len(span))
        if cells(joined(span[:at])) <= line and cells(joined(span[at:])) <= line
    ]
    return min(fitting)[1] if fitting else None


def _cue(span: Sequence[Word], line: int) -> Cue:
    at = _split(span, line)
    lines = (tuple(span[:at]), tuple(span[at:])) if at else (tuple(span),)
    return Cue(span[0].start, span[-1].end, lines)


def _timed(cues: Sequence[Cue]) -> list[Cue]:
    """The cues shown long enough to be read, as far as the next one leaves time, and never two at once."""
    timed: list[Cue] = []
    for at, cue in enumerate(cues):
        following = cues[at + 1].start - APART if at + 1 < len(cues) else float("inf")
        start = max(cue.start, timed[-1].end + APART if timed else 0.0)
        wanted = max(SHORTEST, len(cue.text) / PACE, cue.end - start)
        end = max(min(start + min(wanted, LONGEST), max(following, cue.end)), start + 0.1)
        timed.append(replace(cue, start=round(start, 3), end=round(end, 3)))
    return timed


def _pieces(word: Word, line: int) -> list[Word]:
    """A word that no line holds, in pieces that do."""
    if cells(word.text.strip()) <= line:
        return [word]
    size = line // 2
    texts = [word.text[at : at + size] for at in range(0, len(word.text), size)]
    step = (word.end - word.start) / len(texts)
    return [Word(text, word.start + at * step, word.start + (at + 1) * step) for at, text in enumerate(texts)]


def filled(words: Sequence[Untimed], start: float, end: float) -> list[Word]:
    """Words of one segment, from `start` to `end`: those without times share evenly what their neighbours leave."""
    placed: list[Word] = []
    at = start
    for index, (text, begins, ends) in enumerate(words):
        if begins is None or ends is None:
            begun, ended = at, at + _share(words[index:], at, end)
        else:
            begun, ended = begins, ends
        begun = max(begun, at)
        at = max(ended, begun)
        placed.append(Word(text, begun, at))
    return placed


def _share(words: Sequence[Untimed], at: float, end: float) -> float:
    """Seconds for each of the words without times that `words` begin with."""
    later = ((count, begins) for count, (_, begins, _) in enumerate(words) if begins is not None)
    count, limit = next(later, (len(words), end))
    return max(0.0, limit - at) / count
