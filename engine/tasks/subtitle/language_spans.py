"""Find which language is spoken when: speech is split at its pauses, and each piece is asked for its language.

Whisper itself takes the language of the first 30 seconds for all that follow, and leaves out or garbles the others.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

RATE = 16000
"""Samples a second."""
PAUSE_MS = 700
"""A silence of so many milliseconds may come between two languages."""
LEAST_SECONDS = 3.0
"""Less speech than this does not tell its language."""
TAIL = RATE // 5
"""Samples after the last word that are read with it. A pause between two pieces is longer."""
UNKNOWN = "en"
"""The language that is told where nobody speaks."""
MOST_PIECES = 60
"""How many pieces are asked for their language: each takes as long as reading 30 seconds of speech does."""
SURE, UNLIKELY = 0.6, 0.1
"""A piece is in another language than the rest where that is at least so likely, and the rest's at most so likely."""

Detect = Callable[["Samples"], dict[str, float]]
"""From up to 30 seconds of speech to the probability of each language."""


@dataclass(frozen=True)
class Stretch:
    """The samples from `start` to `end`, whose speech is in one language."""

    start: int
    end: int
    language: str


@dataclass(frozen=True)
class Spoken:
    """All stretches of a recording in order, and how likely its main language, that of most of the speech, is."""

    stretches: tuple[Stretch, ...]
    language: str
    sure: float

    @property
    def others(self) -> tuple[str, ...]:
        """The languages beside the main one, in the order in which they come."""
        return tuple(dict.fromkeys(one.language for one in self.stretches if one.language != self.language))


def languages_in(samples: "Samples", language: str | None, detect: Detect, is_left: Callable[[], bool]) -> Spoken:
    """Return what is spoken in mono samples at RATE: all of it in `language` where that is named.

    There is no stretch where nobody speaks, or where nobody waits any more.
    """
    pieces = _pieces(samples)
    if language is not None:
        return Spoken(_stretches(pieces, [language] * len(pieces), len(samples)), language, 1.0)
    likely: list[dict[str, float]] = []
    for begin, end in pieces:
        if is_left():
            break
        likely.append(detect(samples[begin:end]))
    if not pieces or len(likely) < len(pieces):
        return Spoken((), UNKNOWN, 0.0)
    total: Counter[str] = Counter()
    for (begin, end), chances in zip(pieces, likely, strict=True):
        total.update({each: chance * (end - begin) for each, chance in chances.items()})
    main = total.most_common(1)[0][0]
    sure = total[main] / sum(end - begin for begin, end in pieces)
    return Spoken(_stretches(pieces, [_language(chances, main) for chances in likely], len(samples)), main, sure)


def later(segment: Any, seconds: float) -> Any:
    """Return a segment of faster-whisper with all its times so much later."""
    words = [replace(word, start=word.start + seconds, end=word.end + seconds) for word in segment.words or ()]
    return replace(segment, start=segment.start + seconds, end=segment.end + seconds, words=words)


def _language(likely: dict[str, float], main: str) -> str:
    top = max(likely, key=lambda language: likely[language])
    return top if likely[top] >= SURE and likely.get(main, 0.0) <= UNLIKELY else main


def _pieces(samples: "Samples") -> list[tuple[int, int]]:
    """Return where speech begins and ends, between pauses; neighbours are joined until each is long enough to tell."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(min_silence_duration_ms=PAUSE_MS, speech_pad_ms=100)
    found = [(int(one["start"]), int(one["end"])) for one in get_speech_timestamps(samples, options)]
    least = max(LEAST_SECONDS * RATE, sum(end - begin for begin, end in found) / MOST_PIECES)
    pieces: list[tuple[int, int]] = []
    for begin, end in found:
        if pieces and min(pieces[-1][1] - pieces[-1][0], end - begin) < least:
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((begin, end))
    return pieces


def _stretches(pieces: Sequence[tuple[int, int]], languages: Sequence[str], count: int) -> tuple[Stretch, ...]:
    """Return the pieces with neighbours of one language joined.

    Silence before the first and after the last is left out: Whisper begins its first word in it.
    """
    found: list[Stretch] = []
    for (begin, end), language in zip(pieces, languages, strict=True):
        if found and found[-1].language == language:
            found[-1] = replace(found[-1], end=end)
        else:
            found.append(Stretch(begin, end, language))
    return tuple(replace(one, end=min(count, one.end + TAIL)) for one in found)
