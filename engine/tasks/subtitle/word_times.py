"""Fill in the times of words that Whisper left without any."""

from collections.abc import Sequence

from engine.tasks.subtitle.cues import Word

Untimed = tuple[str, float | None, float | None]
"""The text of a word, and its start and end in seconds where they are known."""


def fill_missing_times(words: Sequence[Untimed], start: float, end: float) -> list[Word]:
    """Return the words of one segment, which lasts from `start` to `end` in seconds.

    Words without times share the time between their neighbours evenly. Times that run backwards are moved forwards.
    """
    placed: list[Word] = []
    at = start
    for index, (text, begins, ends) in enumerate(words):
        if begins is None or ends is None:
            begun, ended = at, at + _seconds_each(words[index:], at, end)
        else:
            begun, ended = begins, ends
        begun = max(begun, at)
        at = max(ended, begun)
        placed.append(Word(text, begun, at))
    return placed


def _seconds_each(words: Sequence[Untimed], at: float, end: float) -> float:
    """Return the seconds available for each of the leading words that have no times."""
    later = ((count, begins) for count, (_, begins, _) in enumerate(words) if begins is not None)
    count, limit = next(later, (len(words), end))
    return max(0.0, limit - at) / count
