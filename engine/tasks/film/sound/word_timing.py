"""Narration: a text spoken, and when each of its words is said."""

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

STEP = 0.01
"""Seconds of the steps in which speech is told from silence."""
QUIET = 0.02
"""Share of the loudest step below which a step is silent."""
PAUSE = 0.12
"""Seconds of silence from which on it is a pause."""


def narrate(
    text: str, speaker: "Speaker", check: Callable[[], None], *, language: str | None, voice: str
) -> tuple["SynthesizedSpeech", tuple[Word, ...]]:
    """`text` spoken, and its words with the times, in seconds, at which they are heard.

    Raises BadInput for a voice or a language that is not here, or where there is nothing to say, and what `check` does.
    """
    spoken = speaker.speak(text, check, language, voice)
    return spoken, time_words(text, spoken.samples, spoken.rate, spoken.language)


def time_words(text: str, samples: "Samples", rate: int, language: str) -> tuple[Word, ...]:
    """Return the words of `text` with their times, each with its letters' share of the time in which there is sound.

    Where there are as many pauses as sentence ends, each sentence has its own time. `language` is a code such as en.
    """
    spans = sounding(samples, rate)
    sentences = split_sentences(text, language)
    parts = _match_sentences(sentences, spans)
    if parts is None:
        return tuple(_share_time(text.split(), spans, first=True))
    return tuple(
        word
        for at, (sentence, mine) in enumerate(zip(sentences, parts, strict=True))
        for word in _share_time(sentence.split(), mine, first=at == 0)
    )


def sounding(samples: "Samples", rate: int) -> list[tuple[float, float]]:
    """From when to when something is heard, in seconds; short silences belong to it."""
    import numpy as np

    size = max(1, int(STEP * rate))
    steps = np.abs(samples[: len(samples) // size * size]).reshape(-1, size).max(axis=1)
    loud = np.flatnonzero(steps > QUIET * max(float(steps.max(initial=0)), 1e-6))
    if not len(loud):
        return [(0.0, len(samples) / rate)]
    gaps = np.flatnonzero(np.diff(loud) * STEP > PAUSE)
    starts, ends = np.r_[loud[0], loud[gaps + 1]], np.r_[loud[gaps], loud[-1]] + 1
    return [(float(start) * STEP, float(end) * STEP) for start, end in zip(starts, ends, strict=True)]


def _match_sentences(sentences: list[str], spans: list[tuple[float, float]]) -> list[list[tuple[float, float]]] | None:
    """The spans by sentence: cut at the longest pauses, if those leave each sentence about its share of the time."""
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
    total, done, made = sum(map(len, words)), 0, list[Word]()
    whole = sum(end - start for start, end in spans)
    for at, word in enumerate(words):
        start = _time_at(whole * done / total, spans)
        done += len(word)
        space = "" if first and at == 0 else " "
        made.append(Word(space + word, round(start, 3), round(_time_at(whole * done / total - 1e-6, spans), 3)))
    return made


def _time_at(sounded: float, spans: list[tuple[float, float]]) -> float:
    """When so many seconds of the spans have sounded."""
    for start, end in spans:
        if sounded < end - start:
            return start + max(0.0, sounded)
        sounded -= end - start
    return spans[-1][1]
