"""Cut timed words into cues the way a subtitler would.

A cue ends where a sentence or clause ends, can be read in the time it is shown and never has more than two lines. The
cuts with the lowest total cost are found by dynamic programming.
"""

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
    count_cells,
)
from engine.text.sentences import SENTENCE_ENDS, sentence_ends

GAP_SECONDS = 0.08
"""Minimum time between two cues: two frames at 25 frames per second."""
PAUSE_SECONDS = 0.8
"""A silence longer than this ends a cue."""
CLOSING_MARKS = "\"'”’»)]"  # noqa: RUF001  # as people type them
"""Marks that may follow the end of a sentence."""
CLAUSE_ENDS = (",", ";", ":", "—", "،", "؛", "、", "，", "；", "：")  # noqa: RUF001  # full-width
"""Marks that end a clause, in the scripts that Whisper transcribes."""
_ENGLISH = "and but or because so that which who when where while if then than as with for from to of in on at by"
_SPANISH = "y e o u pero porque que cuando donde mientras si entonces como con para por de del a en sin sobre"
JOINING_WORDS = frozenset(f"{_ENGLISH} {_SPANISH}".split())
"""Words that start a clause or a phrase. A break before one of them reads well."""


def cut_cues(
    words: Sequence[Word], line: int = LINE_CELLS, language: str = "en", check: Callable[[], None] = lambda: None
) -> list[Cue]:
    """Return the cues for `words`, which must be in order. Every word is kept.

    `line` is the maximum width of a line in cells. `language` is an ISO 639-1 code, used to tell abbreviations from the
    ends of sentences. `check` is called once per word and may raise, like `Context.check`. The time taken is linear in
    the number of words.
    """
    pieces = [piece for word in words if word.text.strip() for piece in _split_word(word, line)]
    spans = _Spans(_mark_sentence_ends(pieces, language), line)
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


def _mark_sentence_ends(words: Sequence[Word], language: str) -> list[Word]:
    """Return the words with `ends_sentence` set."""
    ends = set(sentence_ends("".join(word.text for word in words), language))
    lasts = accumulate(len(word.text) for word in words)
    return [
        replace(word, ends_sentence=_has_end_mark(word) and last - _space_after(word) in ends)
        for word, last in zip(words, lasts, strict=True)
    ]


def _has_end_mark(word: Word) -> bool:
    return word.text.rstrip().rstrip(CLOSING_MARKS).endswith(SENTENCE_ENDS)


def _space_after(word: Word) -> int:
    return len(word.text) - len(word.text.rstrip())


def _candidates(spans: "_Spans", end: int, best: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """Return the cost and the start of every possible cue that ends before word `end`.

    The cost includes the best cost of all cues before it.
    """
    found: list[tuple[float, int]] = []
    for start in range(end - 1, -1, -1):
        if found and not spans.fit(start, end):
            break
        found.append((best[start][0] + spans.cost(start, end), start))
    return found


class _Spans:
    """Measurements of any run of words, from `start` up to but not including `end`.

    Cumulative sums make each measurement take constant time.
    """

    def __init__(self, words: Sequence[Word], line: int) -> None:
        self.words = words
        self._line = line
        self._breaks = [0.0, *(_break_cost(before, after) for before, after in pairwise(words))]
        self._pauses = [0, *accumulate(after.start - before.end > PAUSE_SECONDS for before, after in pairwise(words))]
        self._ends = [0, *accumulate(word.ends_sentence for word in words)]
        self._lengths = [0, *accumulate(len(word.text) for word in words)]
        self._cells = [0, *accumulate(count_cells(word.text) for word in words)]
        self._reaches = self._reach()

    def fit(self, start: int, end: int) -> bool:
        """Return whether the words can form one cue: no pause, at most MAX_CUE_SECONDS and at most two lines."""
        if self._pauses[end - 1] > self._pauses[start] or self._seconds(start, end) > MAX_CUE_SECONDS:
            return False
        first = self._reaches[start]
        return first >= end or self._reaches[first] >= end

    def cost(self, start: int, end: int) -> float:
        """Return how badly the words read as one cue. Lower is better."""
        seconds = max(self._seconds(start, end), 0.01)
        length = self._lengths[end] - self._lengths[start] - _outer_spaces(self.words[start], self.words[end - 1])
        inner_ends = self._ends[end - 1] - self._ends[start]
        cost = 1.0 + 1.2 * inner_ends + max(0.0, length / seconds - CHARACTERS_PER_SECOND) * 0.05
        if end < len(self.words):
            cost += self._breaks[end]
        if end - start == 1 and self._ends[end] == self._ends[start]:
            cost += 2.0
        return cost + max(0.0, MIN_CUE_SECONDS - seconds)

    def cue(self, start: int, end: int) -> Cue:
        """Return the words as a cue, broken into two lines if they do not fit on one."""
        at = self._split(start, end)
        lines = (tuple(self.words[start:at]), tuple(self.words[at:end])) if at else (tuple(self.words[start:end]),)
        return Cue(self.words[start].start, self.words[end - 1].end, lines)

    def _split(self, start: int, end: int) -> int:
        """Return the index of the first word of the second line, or 0 for a single line."""
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
        """Return the width of the words in cells, without the spaces around them."""
        return self._cells[end] - self._cells[start] - _outer_spaces(self.words[start], self.words[end - 1])

    def _reach(self) -> list[int]:
        """Return, for each word, the end of the longest line that starts with it."""
        reaches, end = list[int](), 0
        for start in range(len(self.words)):
            end = max(end, start + 1)
            while end < len(self.words) and self._width(start, end + 1) <= self._line:
                end += 1
            reaches.append(end)
        return [*reaches, len(self.words)]


def _outer_spaces(first: Word, last: Word) -> int:
    """Return the number of spaces before the first word and after the last."""
    return len(first.text) - len(first.text.lstrip()) + len(last.text) - len(last.text.rstrip())


def _break_cost(before: Word, after: Word) -> float:
    """Return how badly a break between two words reads: 0 at the end of a sentence, most inside a phrase."""
    if before.ends_sentence or after.start - before.end > PAUSE_SECONDS:
        return 0.0
    if before.text.rstrip().endswith(CLAUSE_ENDS):
        return 0.5
    return 1.0 if _starts_clause(after) and not _starts_clause(before) else 2.0 + 0.5 * _starts_clause(before)


def _starts_clause(word: Word) -> bool:
    return word.text.strip().lower().strip("¿¡") in JOINING_WORDS


def _set_timing(cues: Sequence[Cue]) -> list[Cue]:
    """Return the cues with the time they need to be read, as far as the next cue allows. No two cues overlap."""
    timed: list[Cue] = []
    for at, cue in enumerate(cues):
        following = cues[at + 1].start - GAP_SECONDS if at + 1 < len(cues) else float("inf")
        start = max(cue.start, timed[-1].end + GAP_SECONDS if timed else 0.0)
        wanted = max(MIN_CUE_SECONDS, len(cue.text) / CHARACTERS_PER_SECOND, cue.end - start)
        end = max(min(start + min(wanted, MAX_CUE_SECONDS), max(following, cue.end)), start + 0.1)
        timed.append(replace(cue, start=round(start, 3), end=round(end, 3)))
    return timed


def _split_word(word: Word, line: int) -> list[Word]:
    """Return a word in pieces that fit on a line. The pieces share its time evenly."""
    if count_cells(word.text.strip()) <= line:
        return [word]
    size = line // 2
    texts = [word.text[at : at + size] for at in range(0, len(word.text), size)]
    step = (word.end - word.start) / len(texts)
    return [Word(text, word.start + at * step, word.start + (at + 1) * step) for at, text in enumerate(texts)]
