"""Words with times, cut into cues as a subtitler would: where clauses end, readable, never three lines."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from engine.tasks.subtitle.cues import (
    CHARACTERS_PER_SECOND,
    LINE_CELLS,
    MAX_CUE_SECONDS,
    MIN_CUE_SECONDS,
    Cue,
    Word,
    cells,
)
from engine.text.sentences import SENTENCE_ENDS, sentence_ends

GAP_SECONDS = 0.08
"""Seconds between two cues."""
PAUSE_SECONDS = 0.8
"""A silence of so many seconds ends a cue."""
CLOSING = "\"'”’»)]"  # noqa: RUF001  # as people type them
"""Marks that may stand after the end of a sentence."""
CLAUSE_ENDS = (",", ";", ":", "—", "،", "؛", "、", "，", "；", "：")  # noqa: RUF001  # full-width
_ENGLISH = "and but or because so that which who when where while if then than as with for from to of in on at by"
_SPANISH = "y e o u pero porque que cuando donde mientras si entonces como con para por de del a en sin sobre"
JOINING = frozenset(f"{_ENGLISH} {_SPANISH}".split())
"""Words that begin a clause or a phrase: a break before one reads well."""


def cut(
    words: Sequence[Word], line: int = LINE_CELLS, language: str = "en", check: Callable[[], None] = lambda: None
) -> list[Cue]:
    """Return the cues of `words`, which are in order. No word is lost.

    `line` is the bound of a line in cells; `language`, a code, tells abbreviations from the ends of sentences. `check`
    is called for each word and may raise, as `Context.check` does. The time this takes is linear in the words.
    """
    pieces = [piece for word in words if word.text.strip() for piece in _pieces(word, line)]
    spans = _Spans(_with_sentence_ends(pieces, language), line)
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(spans.words) + 1):
        check()
        best.append(min(_candidates(spans, end, best)))
    ends = [len(spans.words)]
    while ends[-1]:
        ends.append(best[ends[-1]][1])
    return _set_timing(
        [spans.cue(start, end) for start, end in zip(reversed(ends[1:]), reversed(ends[:-1]), strict=True)]
    )


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


def _candidates(spans: "_Spans", end: int, best: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """The cost of every cue that ends before word `end`, with the best of what stands before it."""
    found: list[tuple[float, int]] = []
    for start in range(end - 1, -1, -1):
        if found and not spans.fit(start, end):
            break
        found.append((best[start][0] + spans.cost(start, end), start))
    return found


class _Spans:
    """What has to be known of each run of words, from `start` to before `end`: in constant time, from sums."""

    def __init__(self, words: Sequence[Word], line: int) -> None:
        self.words = words
        self._line = line
        self._breaks = [0.0, *(_break(before, after) for before, after in pairwise(words))]
        self._pauses = [0, *accumulate(after.start - before.end > PAUSE_SECONDS for before, after in pairwise(words))]
        self._ends = [0, *accumulate(word.ends_sentence for word in words)]
        self._lengths = [0, *accumulate(len(word.text) for word in words)]
        self._cells = [0, *accumulate(cells(word.text) for word in words)]
        self._reaches = self._reach()

    def fit(self, start: int, end: int) -> bool:
        """Whether the words may be one cue: without a pause, short enough, and in two lines at most."""
        if self._pauses[end - 1] > self._pauses[start] or self._seconds(start, end) > MAX_CUE_SECONDS:
            return False
        first = self._reaches[start]
        return first >= end or self._reaches[first] >= end

    def cost(self, start: int, end: int) -> float:
        """How badly a cue of the words reads."""
        seconds = max(self._seconds(start, end), 0.01)
        length = self._lengths[end] - self._lengths[start] - _around(self.words[start], self.words[end - 1])
        inner_ends = self._ends[end - 1] - self._ends[start]
        cost = 1.0 + 1.2 * inner_ends + max(0.0, length / seconds - CHARACTERS_PER_SECOND) * 0.05
        if end < len(self.words):
            cost += self._breaks[end]
        if end - start == 1 and self._ends[end] == self._ends[start]:
            cost += 2.0
        return cost + max(0.0, MIN_CUE_SECONDS - seconds)

    def cue(self, start: int, end: int) -> Cue:
        at = self._split(start, end)
        lines = (tuple(self.words[start:at]), tuple(self.words[at:end])) if at else (tuple(self.words[start:end]),)
        return Cue(self.words[start].start, self.words[end - 1].end, lines)

    def _split(self, start: int, end: int) -> int:
        """Where the second line begins; 0 for one line."""
        if self._width(start, end) <= self._line:
            return 0
        fitting = [
            (self._breaks[at] * self._line / 6 + abs(self._width(start, at) - self._width(at, end)), at)
            for at in range(start + 1, end)
            if self._width(start, at) <= self._line and self._width(at, end) <= self._line
        ]
        return min(fitting)[1] if fitting else 0

    def _seconds(self, start: int, end: int) -> float:
        return self.words[end - 1].end - self.words[start].start

    def _width(self, start: int, end: int) -> int:
        """In cells, as `join_words` writes the words; a space is one cell wide."""
        return self._cells[end] - self._cells[start] - _around(self.words[start], self.words[end - 1])

    def _reach(self) -> list[int]:
        """For each word, the end of the longest line that begins with it."""
        reaches, end = list[int](), 0
        for start in range(len(self.words)):
            end = max(end, start + 1)
            while end < len(self.words) and self._width(start, end + 1) <= self._line:
                end += 1
            reaches.append(end)
        return [*reaches, len(self.words)]


def _around(first: Word, last: Word) -> int:
    """How many spaces stand before the first word and after the last."""
    return len(first.text) - len(first.text.lstrip()) + len(last.text) - len(last.text.rstrip())


def _break(before: Word, after: Word) -> float:
    """How badly a break between two words reads: nothing at a sentence's end, most inside a phrase."""
    if before.ends_sentence or after.start - before.end > PAUSE_SECONDS:
        return 0.0
    if before.text.rstrip().endswith(CLAUSE_ENDS):
        return 0.5
    return 1.0 if _joins(after) and not _joins(before) else 2.0 + 0.5 * _joins(before)


def _joins(word: Word) -> bool:
    return word.text.strip().lower().strip("¿¡") in JOINING


def _set_timing(cues: Sequence[Cue]) -> list[Cue]:
    """The cues shown long enough to be read, as far as the next one leaves time, and never two at once."""
    timed: list[Cue] = []
    for at, cue in enumerate(cues):
        following = cues[at + 1].start - GAP_SECONDS if at + 1 < len(cues) else float("inf")
        start = max(cue.start, timed[-1].end + GAP_SECONDS if timed else 0.0)
        wanted = max(MIN_CUE_SECONDS, len(cue.text) / CHARACTERS_PER_SECOND, cue.end - start)
        end = max(min(start + min(wanted, MAX_CUE_SECONDS), max(following, cue.end)), start + 0.1)
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
