"""Transcribe speech with Whisper on CTranslate2 (faster-whisper): `large-v3-turbo` on a GPU, `base` on a CPU.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022). Silero VAD, which is part of
faster-whisper, removes silence.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.tasks.subtitle import language_spans
from engine.tasks.subtitle.cues import Word
from engine.tasks.subtitle.language_spans import SpokenLanguages, find_languages, shift_segment
from engine.tasks.subtitle.transcription_thread import Segments, TranscriptionThread
from engine.tasks.subtitle.word_times import fill_missing_times

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

BASE, TURBO = "whisper-base", "whisper-large-v3-turbo"
SAMPLE_RATE = language_spans.SAMPLE_RATE
"""Samples per second that Whisper takes."""
BATCHED_FROM_SECONDS = 120.0
"""On a GPU, recordings longer than this are transcribed in batches."""
BATCH_SIZE = 16
"""Pieces of 30 seconds in one batch."""
MIN_LOG_PROBABILITY, MAX_NO_SPEECH_PROBABILITY = -1.0, 0.6
"""Whisper's own signs of invented text: a mean log-probability below the first, a silence probability above the second.
"""
MAX_COMPRESSION_RATIO = 2.8
"""Text that compresses better than this repeats itself over and over."""
MAX_REPEATS = 2
"""How many times in a row the same sentence is kept."""


@dataclass(frozen=True)
class Transcript:
    """The words of a recording. `language` is the ISO 639-1 code of the main language.

    `probability` is how likely that language is, from 0 to 1; `others` are the other languages spoken. `seconds` is the
    length of the recording, where it is known.
    """

    words: tuple[Word, ...]
    language: str
    probability: float
    others: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """All languages spoken, the main one first."""
        return (self.language, *self.others)


class Whisper:
    """A loaded model in int8 on a CPU and fp16 on a GPU. `folder` holds a CTranslate2 model."""

    def __init__(self, folder: Path, device: str, batched_from: float | None = None) -> None:
        """Load the model. Recordings longer than `batched_from` seconds are transcribed in batches.

        The default is BATCHED_FROM_SECONDS on a GPU, and no batches on a CPU.
        """
        from faster_whisper import WhisperModel

        kind, _, index = device.partition(":")
        on_gpu = kind == "cuda"
        self._batched_from = batched_from if batched_from is not None else BATCHED_FROM_SECONDS if on_gpu else math.inf
        self._model = WhisperModel(
            str(folder),
            device=kind,
            device_index=int(index or 0),
            compute_type="float16" if on_gpu else "int8",
            local_files_only=True,
        )
        self._transcription: TranscriptionThread | None = None
        self.size = sum(path.stat().st_size for path in folder.iterdir()) * (1 if on_gpu else 2)

    def close(self) -> None:
        """Wait for an abandoned transcription to end and unload the model."""
        self._wait(lambda: None)
        self._model.model.unload_model()

    def transcribe(
        self,
        samples: "Samples",
        language: str | None,
        task: str,
        check: Callable[[], None],
        report: Callable[[float], None],
    ) -> Transcript:
        """Return the words of `samples`, mono at SAMPLE_RATE in -1..1.

        `task` is "transcribe", or "translate" for English. `check` is called ten times a second, and `report` with the
        fraction done, from 0 to 1. An exception from either ends the call at once; the segment in progress finishes in
        the background.
        """
        duration = len(samples) / SAMPLE_RATE
        self._wait(check)
        transcription = self._transcription = TranscriptionThread(
            lambda is_abandoned: self._read_segments(samples, language, task, is_abandoned)
        )
        kept: list[Word] = []
        last_text = ""
        times = 0
        for segment in transcription.segments(check):
            report(min(1.0, segment.end / max(duration, 0.01)))
            text = _normalize(segment.text)
            times = times + 1 if text == last_text else 1
            last_text = text
            if text and times <= MAX_REPEATS and not _is_hallucination(segment):
                kept += _segment_words(segment, kept[-1].end if kept else 0.0, duration)
        known = transcription.languages
        assert known is not None, "a finished transcription knows the languages"
        return Transcript(tuple(kept), known.language, round(known.probability, 3), known.others, duration)

    def _wait(self, check: Callable[[], None]) -> None:
        """Wait until an abandoned transcription has finished its segment. Two at once would take twice the memory."""
        while self._transcription is not None and self._transcription.thread.is_alive():
            check()
            self._transcription.thread.join(0.1)

    def _read_segments(
        self, samples: "Samples", language: str | None, task: str, is_abandoned: Callable[[], bool]
    ) -> Segments:
        """Return the languages, and an iterator over the segments. Each span of one language is transcribed
        on its own.
        """
        known = find_languages(samples, language, self._languages, is_abandoned)
        return known, self._segments_by_language(samples, known, task)

    def _segments_by_language(self, samples: "Samples", known: SpokenLanguages, task: str) -> Iterator[Any]:
        for span in known.spans:
            segments, _ = self._segments(samples[span.start : span.end], span.language, task)
            yield from (shift_segment(segment, span.start / SAMPLE_RATE) for segment in segments)

    def _languages(self, piece: "Samples") -> dict[str, float]:
        return {language: float(chance) for language, chance in self._model.detect_language(piece)[2]}

    def _segments(self, samples: "Samples", language: str | None, task: str) -> Any:
        from faster_whisper import BatchedInferencePipeline

        shared = {"language": language, "task": task, "vad_filter": True, "word_timestamps": True}
        if len(samples) > self._batched_from * SAMPLE_RATE:
            return BatchedInferencePipeline(self._model).transcribe(samples, batch_size=BATCH_SIZE, **shared)
        return self._model.transcribe(
            samples, condition_on_previous_text=False, hallucination_silence_threshold=2.0, **shared
        )


def _is_hallucination(segment: Any) -> bool:
    """Return whether Whisper itself doubts the segment, or the segment repeats itself over and over."""
    sure, silence = float(segment.avg_logprob), float(segment.no_speech_prob)
    doubtful = sure < MIN_LOG_PROBABILITY and silence > MAX_NO_SPEECH_PROBABILITY / 2
    silent = sure < MIN_LOG_PROBABILITY / 2 and silence > MAX_NO_SPEECH_PROBABILITY
    return doubtful or silent or float(segment.compression_ratio) > MAX_COMPRESSION_RATIO


def _segment_words(segment: Any, after: float, end: float) -> list[Word]:
    """Return the words of a segment, none before `after` or later than `end`, the end of the recording, in seconds.

    Words without times share the time of the segment.
    """
    timed = [(word.word, _to_float(word.start), _to_float(word.end)) for word in segment.words or ()]
    pairs = timed or [(f" {text}", None, None) for text in segment.text.split()]
    words = fill_missing_times(pairs, max(after, float(segment.start)), float(segment.end))
    return [replace(word, start=min(word.start, end), end=min(word.end, end)) for word in words]


def _to_float(time: Any) -> float | None:
    return None if time is None else float(time)


def _normalize(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()
