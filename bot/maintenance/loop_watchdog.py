"""Report whatever holds the event loop for long, with the stack that it was held in.

The loop beats every few milliseconds. A thread looks on: as long as no beat comes it notes where the loop's thread is,
and the beat that comes late reports these notes. A C function that holds the interpreter, as a regular expression does,
is noted as soon as it returns, still in the line that called it.
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
"""Between beats, and between looks."""
BLOCK_SECONDS = 0.05
"""What is reported."""
MAX_SAMPLES = 2000
MAX_FRAMES = 100

Clock = Callable[[], float]


@dataclass(frozen=True)
class Frame:
    """A line of the source that was being executed."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


@dataclass(frozen=True)
class Sample:
    """Where the loop's thread was, the innermost frame first, after `seconds` in which it did not beat."""

    seconds: float
    stack: tuple[Frame, ...]


@dataclass(frozen=True)
class Block:
    """The loop did nothing else for `seconds`. There is no sample where the thread that looks on was held up too."""

    seconds: float
    samples: tuple[Sample, ...]

    @property
    def stack(self) -> tuple[Frame, ...]:
        """The stack in which the loop was for the longest time."""
        spent = Counter[tuple[Frame, ...]]()
        for sample in self.samples:
            spent[sample.stack] += round(sample.seconds * 1e6)
        return spent.most_common(1)[0][0] if spent else ()


class Watchdog:
    """Watches the running loop from `start` to `stop`, and gives every block of `bound` seconds or more to `report`.

    `clock` is what is counted: wall-clock time, as a waiting person counts, or what `processor_clock` returns, which is
    the same on a busy machine as on an idle one but does not see a call that waits, such as `time.sleep`.
    """

    def __init__(
        self,
        report: Callable[[Block], None],
        bound: float = BLOCK_SECONDS,
        clock: Clock = time.monotonic,
    ) -> None:
        self._report, self._bound, self._clock = report, bound, clock
        self._idle = INTERVAL_SECONDS if clock is time.monotonic else 0.0
        self._thread = threading.Thread(target=self._look_on, name="loop watchdog", daemon=True)
        self._stopped = threading.Event()
        self._watched = 0
        self._beats = 0
        self._last = 0.0
        self._samples: list[Sample] = []
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._watched = threading.get_ident()
        self._last = self._clock()
        self._timer = asyncio.get_running_loop().call_later(INTERVAL_SECONDS, self._beat)
        self._thread.start()

    def stop(self) -> None:
        """A block that goes on until now is reported too."""
        self._stopped.set()
        self._thread.join()
        if self._timer is not None:
            self._timer.cancel()
        self._note_beat()

    def _beat(self) -> None:
        self._note_beat()
        self._timer = asyncio.get_running_loop().call_later(INTERVAL_SECONDS, self._beat)

    def _note_beat(self) -> None:
        now = self._clock()
        held = now - self._last - self._idle
        samples, self._samples = self._samples, []
        self._beats += 1
        if held >= self._bound:
            self._report(Block(held, tuple(samples)))
        self._last = self._clock()  # the report's own time is nobody's fault

    def _look_on(self) -> None:
        beats, since = self._beats, self._clock()
        while not self._stopped.wait(INTERVAL_SECONDS):
            now = self._clock()
            if beats != self._beats:
                beats, since = self._beats, self._last
            samples = self._samples
            frame = sys._current_frames().get(self._watched)  # noqa: SLF001  # public, in spite of its name
            if frame is not None and now > since and len(samples) < MAX_SAMPLES:
                samples.append(Sample(now - since, _stack_of(frame)))
            since = now


def processor_clock() -> Clock:
    """Return a clock of the processor time that the calling thread has used, to be read in any thread."""
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
        return  # the loop had nothing to do, and the machine was too busy to wake it
    stack = "\n  ".join(map(str, block.stack)) or "unknown"
    log.warning("the event loop was blocked", seconds=round(block.seconds, 3), stack=f"\n  {stack}")


def _stack_of(frame: FrameType | None) -> tuple[Frame, ...]:
    """Return the frames from the innermost out to the loop's own, which is the same for every block."""
    frames = list[Frame]()
    while frame is not None and len(frames) < MAX_FRAMES:
        code = frame.f_code
        frames.append(Frame(code.co_filename, frame.f_lineno, code.co_name))
        if code.co_name == "_run_once":
            break
        frame = frame.f_back
    return tuple(frames)
