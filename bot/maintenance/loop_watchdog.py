"""Report everything that blocks the event loop for long, with the stack during the block.

The loop runs a callback every few milliseconds. Meanwhile a thread watches: as long as the callback does not run, it
samples the stack of the loop's thread, and the late callback reports these samples. A C function that holds the
interpreter lock, such as a regular expression, is sampled as soon as it returns, still on the line that called it.
"""

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import FrameType

import structlog

log = structlog.get_logger()

INTERVAL_SECONDS = 0.01
"""Time between two callbacks, and between two samples."""
BLOCK_SECONDS = 0.05
"""The shortest block that is reported."""
MAX_SAMPLES = 2000
MAX_FRAMES = 100

Clock = Callable[[], float]


@dataclass(frozen=True)
class Frame:
    """A line of source code that was being executed."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


@dataclass(frozen=True)
class Sample:
    """The stack of the loop's thread, innermost frame first, and the `seconds` since the sample before it."""

    seconds: float
    stack: tuple[Frame, ...]


@dataclass(frozen=True)
class Block:
    """A block of the loop for `seconds`. It has no samples if the watching thread was blocked too."""

    seconds: float
    samples: tuple[Sample, ...]

    @property
    def stack(self) -> tuple[Frame, ...]:
        """The stack in which the loop spent most of the block, or an empty one without samples."""
        spent = Counter[tuple[Frame, ...]]()
        for sample in self.samples:
            spent[sample.stack] += round(sample.seconds * 1e6)
        return spent.most_common(1)[0][0] if spent else ()


class Watchdog:
    """Watches the running loop from `start` to `stop`, and calls `report` for every block of `bound` seconds or more.

    `clock` measures the blocks. It is wall-clock time, which users wait, or the clock of `processor_clock`, which gives
    the same result on a busy machine as on an idle one but does not count calls that wait, such as `time.sleep`.
    """

    def __init__(
        self,
        report: Callable[[Block], None],
        bound: float = BLOCK_SECONDS,
        clock: Clock = time.monotonic,
    ) -> None:
        self._report, self._bound, self._clock = report, bound, clock
        self._idle = INTERVAL_SECONDS if clock is time.monotonic else 0.0
        self._thread = threading.Thread(target=self._sample_stacks, name="loop watchdog", daemon=True)
        self._stopped = threading.Event()
        self._watched = 0
        self._callbacks = 0
        self._last = 0.0
        self._samples: list[Sample] = []
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start to watch the running loop. Call this in the loop's thread."""
        self._watched = threading.get_ident()
        self._last = self._clock()
        self._timer = asyncio.get_running_loop().call_later(INTERVAL_SECONDS, self._run_callback)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching. A block that lasts until now is reported too."""
        self._stopped.set()
        self._thread.join()
        if self._timer is not None:
            self._timer.cancel()
        self._end_interval()

    def _run_callback(self) -> None:
        self._end_interval()
        self._timer = asyncio.get_running_loop().call_later(INTERVAL_SECONDS, self._run_callback)

    def _end_interval(self) -> None:
        now = self._clock()
        blocked = now - self._last - self._idle
        samples, self._samples = self._samples, []
        self._callbacks += 1
        if blocked >= self._bound:
            self._report(Block(blocked, tuple(samples)))
        self._last = self._clock()  # the time of the report itself does not count

    def _sample_stacks(self) -> None:
        callbacks, since = self._callbacks, self._clock()
        while not self._stopped.wait(INTERVAL_SECONDS):
            now = self._clock()
            if callbacks != self._callbacks:
                callbacks, since = self._callbacks, self._last
            samples = self._samples
            frame = sys._current_frames().get(self._watched)  # noqa: SLF001  # documented, despite its name
            if frame is not None and now > since and len(samples) < MAX_SAMPLES:
                samples.append(Sample(now - since, _stack_of(frame)))
            since = now


def processor_clock() -> Clock:
    """Return a clock that gives the processor time of the calling thread, in seconds, to every thread that reads it."""
    clock = time.pthread_getcpuclockid(threading.get_ident())
    return lambda: time.clock_gettime(clock)


@asynccontextmanager
async def watching() -> AsyncIterator[None]:
    """Log every block of the running loop until this closes."""
    watchdog = Watchdog(_log)
    watchdog.start()
    try:
        yield
    finally:
        watchdog.stop()


def _log(block: Block) -> None:
    if block.stack and block.stack[0].function == "select":
        return  # the loop was idle, and the machine was too busy to wake it
    stack = "\n  ".join(map(str, block.stack)) or "unknown"
    log.warning("the event loop was blocked", seconds=round(block.seconds, 3), stack=f"\n  {stack}")


def _stack_of(frame: FrameType | None) -> tuple[Frame, ...]:
    """Return the frames from the innermost to the loop's own, which is the same in every block."""
    frames = list[Frame]()
    while frame is not None and len(frames) < MAX_FRAMES:
        code = frame.f_code
        frames.append(Frame(code.co_filename, frame.f_lineno, code.co_name))
        if code.co_name == "_run_once":
            break
        frame = frame.f_back
    return tuple(frames)
