"""Turn lines of text into timed words: use the times in the file, and share the rest by the length of the words."""

import re
from collections.abc import Iterable, Sequence

from engine.tasks.subtitle.cues import Word
from engine.tasks.subtitle.files.markup import Span

_WORD = re.compile(r"(\s*)(\S+)|\s+")


def share_time(lines: Sequence[Sequence[Span]], start: float, end: float) -> tuple[tuple[Word, ...], ...]:
    """Return the words of each line. Together they fill the time from `start` to `end`, in seconds.

    The `time` of a span is the start of its first word. Words between two known times share the time between them in
    proportion to their length. A time that is outside the cue or out of order is moved to the nearest possible time.
    """
    words = [(at, word, time) for at, line in enumerate(lines) for word, time in _split_words(line)]
    timed = list(_assign_times([(word, time) for _, word, time in words], start, end))
    words_of_line: list[list[Word]] = [[] for _ in lines]
    for (at, _, _), word in zip(words, timed, strict=True):
        words_of_line[at].append(word)
    return tuple(tuple(line) for line in words_of_line)


def _split_words(line: Sequence[Span]) -> Iterable[tuple[Word, float | None]]:
    """Yield the words of a line with their start times, where known. Each word but the first includes the space before
    it.
    """
    started, has_space = False, False
    for span in line:
        time = span.time
        for match in _WORD.finditer(span.text):
            has_space = has_space or bool(match[1]) or match[2] is None
            if match[2] is None:
                continue
            yield Word(f" {match[2]}" if has_space and started else match[2], 0, 0, span.style), time
            started, has_space, time = True, False, None


def _assign_times(words: Sequence[tuple[Word, float | None]], start: float, end: float) -> Iterable[Word]:
    """Yield the words with their times, each group of words between two known times at once."""
    group, at = list[Word](), start
    for word, time in words:
        if time is not None and group:
            until = min(max(time, at), end)
            yield from _spread(group, at, until)
            group, at = [], until
        elif time is not None:
            at = min(max(time, at), end)
        group.append(word)
    yield from _spread(group, at, end)


def _spread(words: Sequence[Word], start: float, end: float) -> Iterable[Word]:
    """Yield the words with the time from `start` to `end` shared in proportion to their length."""
    total = max(1, sum(len(word.text.strip()) for word in words))
    at = start
    for word in words:
        until = at + (end - start) * len(word.text.strip()) / total
        yield Word(word.text, at, until, word.style)
        at = until
