"""Find which language is spoken when. Speech is split at its pauses, and the language of each piece is detected.

Whisper by itself uses the language of the first 30 seconds for the whole recording, and omits or garbles the others.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

SAMPLE_RATE = 16000
"""Samples per second."""
PAUSE_MS = 700
"""A silence of this many milliseconds may separate two languages."""
MIN_SPEECH_SECONDS = 3.0
"""The language of less speech than this cannot be detected."""
TAIL_SAMPLES = SAMPLE_RATE // 5
"""Samples after the last word that are transcribed with it. A pause between two pieces is longer."""
FALLBACK_LANGUAGE = "en"
"""The language reported when nobody speaks."""
MAX_PIECES = 60
"""Maximum number of pieces to detect. Each takes as long as transcribing 30 seconds of speech."""
MIN_PROBABILITY, MAX_MAIN_PROBABILITY = 0.6, 0.1
"""A piece is in another language than the main one if that language has at least the first probability and the main
language at most the second.
"""

Detect = Callable[["Samples"], dict[str, float]]
"""Returns the probability of each language in up to 30 seconds of speech."""


@dataclass(frozen=True)
class LanguageSpan:
    """The samples from `start` to `end`, where speech is in one language."""

    start: int
    end: int
    language: str


@dataclass(frozen=True)
class SpokenLanguages:
    """The spans of a recording in order, its main language, and how likely that is, from 0 to 1.

    The main language is the one spoken for the longest time.
    """

    spans: tuple[LanguageSpan, ...]
    language: str
    probability: float

    @property
    def others(self) -> tuple[str, ...]:
        """The languages besides the main one, in the order in which they occur."""
        return tuple(dict.fromkeys(span.language for span in self.spans if span.language != self.language))


def find_languages(
    samples: "Samples", language: str | None, detect: Detect, is_abandoned: Callable[[], bool]
) -> SpokenLanguages:
    """Return the languages spoken in mono samples at SAMPLE_RATE. If `language` is given, it is used for all of them.

    The result has no spans if nobody speaks or if `is_abandoned` returns True.
    """
    pieces = _split_speech(samples)
    if language is not None:
        return SpokenLanguages(_join_neighbours(pieces, [language] * len(pieces), len(samples)), language, 1.0)
    likely: list[dict[str, float]] = []
    for begin, end in pieces:
        if is_abandoned():
            break
        likely.append(detect(samples[begin:end]))
    if not pieces or len(likely) < len(pieces):
        return SpokenLanguages((), FALLBACK_LANGUAGE, 0.0)
    total: Counter[str] = Counter()
    for (begin, end), chances in zip(pieces, likely, strict=True):
        total.update({each: chance * (end - begin) for each, chance in chances.items()})
    main = total.most_common(1)[0][0]
    probability = total[main] / sum(end - begin for begin, end in pieces)
    return SpokenLanguages(
        _join_neighbours(pieces, [_pick_language(chances, main) for chances in likely], len(samples)), main, probability
    )


def shift_segment(segment: Any, seconds: float) -> Any:
    """Return a faster-whisper segment with all its times moved by `seconds`."""
    words = [replace(word, start=word.start + seconds, end=word.end + seconds) for word in segment.words or ()]
    return replace(segment, start=segment.start + seconds, end=segment.end + seconds, words=words)


def _pick_language(likely: dict[str, float], main: str) -> str:
    top = max(likely, key=lambda language: likely[language])
    return top if likely[top] >= MIN_PROBABILITY and likely.get(main, 0.0) <= MAX_MAIN_PROBABILITY else main


def _split_speech(samples: "Samples") -> list[tuple[int, int]]:
    """Return the start and end of each stretch of speech between pauses.

    Neighbours are joined until each is long enough for its language to be detected.
    """
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(min_silence_duration_ms=PAUSE_MS, speech_pad_ms=100)
    detected = [(int(span["start"]), int(span["end"])) for span in get_speech_timestamps(samples, options)]
    least = max(MIN_SPEECH_SECONDS * SAMPLE_RATE, sum(end - begin for begin, end in detected) / MAX_PIECES)
    pieces: list[tuple[int, int]] = []
    for begin, end in detected:
        if pieces and min(pieces[-1][1] - pieces[-1][0], end - begin) < least:
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((begin, end))
    return pieces


def _join_neighbours(
    pieces: Sequence[tuple[int, int]], languages: Sequence[str], count: int
) -> tuple[LanguageSpan, ...]:
    """Return the pieces as spans, with neighbours in the same language joined.

    Silence before the first and after the last span is left out, since Whisper would start its first word in it.
    """
    detected: list[LanguageSpan] = []
    for (begin, end), language in zip(pieces, languages, strict=True):
        if detected and detected[-1].language == language:
            detected[-1] = replace(detected[-1], end=end)
        else:
            detected.append(LanguageSpan(begin, end, language))
    return tuple(replace(span, end=min(count, span.end + TAIL_SAMPLES)) for span in detected)
