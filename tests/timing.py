"""Bounds of time in tests, and a measure of time that other programs do not change.

A test waits for an event. Its bound of time only ends a test that would wait forever, so it is far above what a busy
machine needs.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HANG_SECONDS = 120.0
"""Seconds after which a test gives up waiting for an event."""
CANCEL_SECONDS = 60.0
"""Seconds in which work ends after its cancel. What is cancelled in a test would otherwise take far longer."""


def thread_seconds(work: Callable[[], object]) -> float:
    """Return the processor seconds of this thread that `work` takes, without those of the garbage collector."""
    gc.collect()
    gc.disable()  # a collection takes half a second once torch is loaded
    try:
        started = time.thread_time()
        work()
        return time.thread_time() - started
    finally:
        gc.enable()


def grows_linearly(work: Callable[[str], object], short: str, long: str) -> bool:
    """Return whether `work` takes less than ten times as long for `long`, which is four times as long as `short`.

    Quadratic work takes 16 times as long at every try. One good try is enough, because a busy machine spoils some.
    """
    return any(thread_seconds(lambda: work(long)) < 10 * thread_seconds(lambda: work(short)) + 0.05 for _ in range(5))


@contextmanager
def collector_clock() -> Iterator[Callable[[], float]]:
    """Yield a clock of the processor seconds that the garbage collector has taken in this thread."""
    thread, started, total = threading.get_ident(), 0.0, 0.0

    def note(phase: str, _: dict[str, int]) -> None:
        nonlocal started, total
        if threading.get_ident() != thread:
            return
        if phase == "start":
            started = time.thread_time()
        else:
            total += time.thread_time() - started

    gc.callbacks.append(note)
    try:
        yield lambda: total
    finally:
        gc.callbacks.remove(note)
