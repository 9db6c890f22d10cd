"""Speech to words with times, by Whisper on CTranslate2 (faster-whisper): `large-v3-turbo` on a GPU, `base` on a CPU.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022). Silence is cut out by Silero VAD,
which is inside faster-whisper.
"""

import math
import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.tasks.subtitle import language_spans
from engine.tasks.subtitle.cues import Word
from engine.tasks.subtitle.language_spans import Spoken, languages_in, later
from engine.tasks.subtitle.word_times import fill_missing_times

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

BASE, TURBO = "whisper-base", "whisper-large-v3-turbo"
SAMPLE_RATE = language_spans.RATE
"""Samples a second that Whisper hears."""
BATCHED_FROM_SECONDS = 120.0
"""Seconds from which on many pieces are read at once, on a GPU."""
BATCH_SIZE = 16
DOUBT, NO_SPEECH = -1.0, 0.6
"""Whisper's own marks of invented text: a mean log-probability under the one, a silence probability over the other."""
MAX_COMPRESSION_RATIO = 2.8
"""Over this ratio of compression a text says one thing over and over."""
MAX_REPEATS = 2
"""How often in a row a sentence may be said the same."""


@dataclass(frozen=True)
class Transcript:
    """What was said. `language` is an ISO 639-1 code, `sure` how likely it is the right one, from 0 to 1.

    It is the language of most of the speech; `others` are those that are spoken beside it. `seconds` is the length of
    the sound, where it is known.
    """

    words: tuple[Word, ...]
    language: str
    sure: float
    others: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        return (self.language, *self.others)


class Whisper:
    """A loaded model. `folder` holds what faster-whisper reads; int8 on a CPU, fp16 on a GPU."""

    def __init__(self, folder: Path, device: str, batched_from: float | None = None) -> None:
        """Recordings of over `batched_from` seconds are read in many pieces at once: LONG on a GPU, never on a CPU."""
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
        self._listening: _Listening | None = None
        self.size = sum(path.stat().st_size for path in folder.iterdir()) * (1 if on_gpu else 2)

    def close(self) -> None:
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
        """The words of `samples`, mono at RATE in -1..1; `task` is transcribe or translate, the latter to English.

        `check` is asked ten times a second and `report` hears the part that is done, 0 to 1; what they raise ends this
        at once, while the piece that is being read runs out beside it.
        """
        duration = len(samples) / SAMPLE_RATE
        self._wait(check)
        listening = self._listening = _Listening(lambda is_left: self._heard(samples, language, task, is_left))
        kept: list[Word] = []
        said = ""
        times = 0
        for segment in listening.segments(check):
            report(min(1.0, segment.end / max(duration, 0.01)))
            text = _bare(segment.text)
            times = times + 1 if text == said else 1
            said = text
            if text and times <= MAX_REPEATS and not _is_hallucination(segment):
                kept += _words(segment, kept[-1].end if kept else 0.0, duration)
        known = listening.languages
        assert known is not None, "who has listened knows the language"
        return Transcript(tuple(kept), known.language, round(known.sure, 3), known.others, duration)

    def _wait(self, check: Callable[[], None]) -> None:
        """For the last piece of a listening that was left: two at once take twice the memory."""
        while self._listening is not None and self._listening.thread.is_alive():
            check()
            self._listening.thread.join(0.1)

    def _heard(self, samples: "Samples", language: str | None, task: str, is_left: Callable[[], bool]) -> "_Heard":
        """Return the languages, and the segments as they are read; each stretch of one language is read by itself."""
        known = languages_in(samples, language, self._languages, is_left)
        return known, self._by_stretch(samples, known, task)

    def _by_stretch(self, samples: "Samples", known: Spoken, task: str) -> Iterator[Any]:
        for stretch in known.stretches:
            segments, _ = self._segments(samples[stretch.start : stretch.end], stretch.language, task)
            yield from (later(segment, stretch.start / SAMPLE_RATE) for segment in segments)

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


_Heard = tuple[Spoken, Iterable[Any]]
"""The languages of a recording, and the segments that Whisper reads, one by one."""


class _Listening:
    """The model at work in a thread of its own, so that who waits for it can leave."""

    def __init__(self, begin: "Callable[[Callable[[], bool]], _Heard]") -> None:
        self.languages: Spoken | None = None
        self._left = threading.Event()
        self._found: queue.Queue[Any] = queue.Queue()
        self._begin = begin
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def segments(self, check: Callable[[], None]) -> Iterator[Any]:
        try:
            while True:
                check()
                try:
                    found = self._found.get(timeout=0.1)
                except queue.Empty:
                    continue
                if found is None:
                    return
                if isinstance(found, BaseException):
                    raise found
                yield found
        finally:
            self._left.set()

    def _listen(self) -> None:
        try:
            self.languages, segments = self._begin(self._left.is_set)
            for segment in segments:
                if self._left.is_set():
                    return
                self._found.put(segment)
            self._found.put(None)
        except Exception as error:  # noqa: BLE001  # raised again where it is waited for
            self._found.put(error)


def _is_hallucination(segment: Any) -> bool:
    """Whether Whisper itself doubts that the segment was said, or says one thing over and over in it."""
    sure, silence = float(segment.avg_logprob), float(segment.no_speech_prob)
    doubtful = sure < DOUBT and silence > NO_SPEECH / 2
    silent = sure < DOUBT / 2 and silence > NO_SPEECH
    return doubtful or silent or float(segment.compression_ratio) > MAX_COMPRESSION_RATIO


def _words(segment: Any, after: float, end: float) -> list[Word]:
    """Return the segment's words with plain floats, none before `after` or beyond `end`, where the sound ends.

    Without word times its text shares its own.
    """
    timed = [(word.word, _seconds(word.start), _seconds(word.end)) for word in segment.words or ()]
    pairs = timed or [(f" {text}", None, None) for text in segment.text.split()]
    words = fill_missing_times(pairs, max(after, float(segment.start)), float(segment.end))
    return [replace(word, start=min(word.start, end), end=min(word.end, end)) for word in words]


def _seconds(time: Any) -> float | None:
    return None if time is None else float(time)


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()
