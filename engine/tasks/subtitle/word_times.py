"""Fill in the times of words that Whisper left without any."""

from collections.abc import Sequence

from engine.tasks.subtitle.cues import Word

Untimed = tuple[str, float | None, float | None]
"""The text of a word, and its start and end in seconds where they are known."""


def fill_missing_times(words: Sequence[Untimed], start: float, end: float) -> list[Word]:
    """Return the words of one segment, which lasts from `start` to `end` in seconds.

    Words without times share the time between their neighbours evenly. Times that run backwards are moved forwards.
    """
    timed: list[Word] = []
    at = start
    for index, (text, known_start, known_end) in enumerate(words):
        if known_start is None or known_end is None:
            word_start, word_end = at, at + _seconds_each(words[index:], at, end)
        else:
            word_start, word_end = known_start, known_end
        word_start = max(word_start, at)
        at = max(word_end, word_start)
        timed.append(Word(text, word_start, at))
    return timed


def _seconds_each(words: Sequence[Untimed], at: float, end: float) -> float:
    """Return the seconds available for each of the leading words that have no times."""
    later = ((count, known_start) for count, (_, known_start, _) in enumerate(words) if known_start is not None)
    count, limit = next(later, (len(words), end))
    return max(0.0, limit - at) / count
