"""Narration: speak a text and find when each word is spoken."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.tasks.subtitle.cues import Word
from engine.text.sentences import split_sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.tasks.speech import Speaker, SynthesizedSpeech

    Samples = NDArray[np.float32]

STEP_SECONDS = 0.01
"""Length of the steps in which speech and silence are told apart."""
SILENCE_RATIO = 0.02
"""A step below this fraction of the loudest step is silent."""
PAUSE_SECONDS = 0.12
"""A silence longer than this is a pause."""


def narrate(
    text: str, speaker: "Speaker", check: Callable[[], None], *, language: str | None, voice: str
) -> tuple["SynthesizedSpeech", tuple[Word, ...]]:
    """Return `text` as speech, and its words with their times in seconds.

    Raises BadInput for an unknown voice or language or a text without words, and what `check` raises.
    """
    spoken = speaker.speak(text, check, language, voice)
    return spoken, time_words(text, spoken.samples, spoken.rate, spoken.language)


def time_words(text: str, samples: "Samples", rate: int, language: str) -> tuple[Word, ...]:
    """Return the words of `text` with their times. Each takes time in proportion to its letters, while there is sound.

    If there are enough pauses, each sentence is timed separately. `language` is a code such as en.
    """
    spans = find_sound(samples, rate)
    sentences = split_sentences(text, language)
    parts = _match_sentences(sentences, spans)
    if parts is None:
        return tuple(_share_time(text.split(), spans, first=True))
    return tuple(
        word
        for at, (sentence, own) in enumerate(zip(sentences, parts, strict=True))
        for word in _share_time(sentence.split(), own, first=at == 0)
    )


def find_sound(samples: "Samples", rate: int) -> list[tuple[float, float]]:
    """Return the start and end, in seconds, of each stretch of sound. Short silences are part of a stretch."""
    import numpy as np

    size = max(1, int(STEP_SECONDS * rate))
    steps = np.abs(samples[: len(samples) // size * size]).reshape(-1, size).max(axis=1)
    loud = np.flatnonzero(steps > SILENCE_RATIO * max(float(steps.max(initial=0)), 1e-6))
    if not len(loud):
        return [(0.0, len(samples) / rate)]
    gaps = np.flatnonzero(np.diff(loud) * STEP_SECONDS > PAUSE_SECONDS)
    starts, ends = np.r_[loud[0], loud[gaps + 1]], np.r_[loud[gaps], loud[-1]] + 1
    return [(float(start) * STEP_SECONDS, float(end) * STEP_SECONDS) for start, end in zip(starts, ends, strict=True)]


def _match_sentences(sentences: list[str], spans: list[tuple[float, float]]) -> list[list[tuple[float, float]]] | None:
    """Return the stretches of each sentence, divided at the longest pauses, or None.

    None means that the pauses would not give each sentence about its share of the time.
    """
    if len(spans) < len(sentences):
        return None
    pauses = sorted(range(1, len(spans)), key=lambda at: spans[at - 1][1] - spans[at][0])[: len(sentences) - 1]
    cuts = [0, *sorted(pauses), len(spans)]
    parts = [spans[start:end] for start, end in pairwise(cuts)]
    whole, letters = sum(end - start for start, end in spans), sum(map(len, sentences))
    fair = all(
        0.4 < (sum(end - start for start, end in part) / whole) / (len(sentence) / letters) < 2.5
        for part, sentence in zip(parts, sentences, strict=True)
    )
    return parts if fair else None


def _share_time(words: list[str], spans: list[tuple[float, float]], *, first: bool) -> list[Word]:
    total, done, timed = sum(map(len, words)), 0, list[Word]()
    whole = sum(end - start for start, end in spans)
    for at, word in enumerate(words):
        start = _time_at(whole * done / total, spans)
        done += len(word)
        space = "" if first and at == 0 else " "
        timed.append(Word(space + word, round(start, 3), round(_time_at(whole * done / total - 1e-6, spans), 3)))
    return timed


def _time_at(sounded: float, spans: list[tuple[float, float]]) -> float:
    """Return the time at which the stretches have sounded for `sounded` seconds."""
    for start, end in spans:
        if sounded < end - start:
            return start + max(0.0, sounded)
        sounded -= end - start
    return spans[-1][1]
