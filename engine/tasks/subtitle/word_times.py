"""The times of words that Whisper gives no times for."""

from collections.abc import Sequence

from engine.tasks.subtitle.cues import Word

Untimed = tuple[str, float | None, float | None]


def fill_missing_times(words: Sequence[Untimed], start: float, end: float) -> list[Word]:
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
