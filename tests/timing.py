"""Measure the time that code takes on the processor, without what other threads and the garbage collector take."""

import gc
import time
from collections.abc import Callable


def thread_seconds(work: Callable[[], object]) -> float:
    """Return the processor seconds of this thread that `work` takes."""
    gc.collect()
    gc.disable()  # a collection takes half a second once torch is loaded
    try:
        begun = time.thread_time()
        work()
        return time.thread_time() - begun
    finally:
        gc.enable()
