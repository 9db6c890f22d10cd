"""Run Whisper in a thread of its own, so that a cancelled job ends at once."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from engine.tasks.subtitle.language_spans import SpokenLanguages

Segments = tuple[SpokenLanguages, Iterable[Any]]
"""The languages of a recording, and its segments as Whisper produces them."""


class TranscriptionThread:
    """Runs the model in a thread, so that the caller can leave at any time."""

    def __init__(self, start: Callable[[Callable[[], bool]], Segments]) -> None:
        self.languages: SpokenLanguages | None = None
        self._abandoned = threading.Event()
        self._queue: queue.Queue[Any] = queue.Queue()
        self._start = start
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def segments(self, check: Callable[[], None]) -> Iterator[Any]:
        """Yield the segments as they come. Raises what `check` raises, and what the model raises."""
        try:
            while True:
                check()
                try:
                    item = self._queue.get(timeout=0.1)
                except queue.Empty:
                    continue
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._abandoned.set()

    def _run(self) -> None:
        try:
            self.languages, segments = self._start(self._abandoned.is_set)
            for segment in segments:
                if self._abandoned.is_set():
                    return
                self._queue.put(segment)
            self._queue.put(None)
        except Exception as error:  # noqa: BLE001  # raised again in segments()
            self._queue.put(error)
