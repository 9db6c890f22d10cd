"""Lines of text to words with times: what a file says of them, and in between by their length."""

import re
from collections.abc import Iterable, Sequence

from engine.tasks.subtitle.cues import Word
from engine.tasks.subtitle.files.markup import Span

_WORD = re.compile(r"(\s*)(\S+)|\s+")


def share_time(lines: Sequence[Sequence[Span]], start: float, end: float) -> tuple[tuple[Word, ...], ...]:
    """Return the words of each line, which share the time from `start` to `end`.

    A span's `time` is the start of its first word. Words between two known times share what is between them by their
    length; a time outside of the cue or before another one's is moved to the nearest that fits.
    """
    words = [(at, word, time) for at, line in enumerate(lines) for word, time in _words_of(line)]
    timed = list(_timed([(word, time) for _, word, time in words], start, end))
    held: list[list[Word]] = [[] for _ in lines]
    for (at, _, _), word in zip(words, timed, strict=True):
        held[at].append(word)
    return tuple(tuple(line) for line in held)


def _words_of(line: Sequence[Span]) -> Iterable[tuple[Word, float | None]]:
    """Yield the words of a line, each but the first with the space before it, and the time where it is known."""
    begun, spaced = False, False
    for span in line:
        time = span.time
        for found in _WORD.finditer(span.text):
            spaced = spaced or bool(found[1]) or found[2] is None
            if found[2] is None:
                continue
            yield Word(f" {found[2]}" if spaced and begun else found[2], 0, 0, span.style), time
            begun, spaced, time = True, False, None


def _timed(words: Sequence[tuple[Word, float | None]], start: float, end: float) -> Iterable[Word]:
    group, at = list[Word](), start
    for word, time in words:
        if time is not None and group:
            until = min(max(time, at), end)
            yield from _shared(group, at, until)
            group, at = [], until
        elif time is not None:
            at = min(max(time, at), end)
        group.append(word)
    yield from _shared(group, at, end)


def _shared(words: Sequence[Word], start: float, end: float) -> Iterable[Word]:
    total = max(1, sum(len(word.text.strip()) for word in words))
    at = start
    for word in words:
        until = at + (end - start) * len(word.text.strip()) / total
        yield Word(word.text, at, until, word.style)
        at = until
