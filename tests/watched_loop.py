"""Makes a test fail if our code blocks the event loop."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.maintenance.loop_watchdog import BLOCK_SECONDS, Block, Clock, Frame, Sample, Watchdog, processor_clock
from tests.timing import collector_clock

ROOT = Path(__file__).parents[1]
OURS = tuple(f"{ROOT / package}/" for package in ("bot", "engine", "storage"))
MAX_SECONDS = 1.0
"""Greatest processor time of one block. It is generous, because some test machines are ten times slower than others,
and a virtual machine counts the time for which its host has stopped it. What once blocked the loop took 10 to 20 s.
"""


@contextmanager
def collector_free_clock() -> Iterator[Clock]:
    """Yield a clock of this thread's processor time without that of the garbage collector.

    Once torch is loaded, a collection takes half a second, and it may happen while any code runs.
    """
    processor = processor_clock()
    with collector_clock() as collector:
        yield lambda: processor() - collector()


@contextmanager
def checking(max_seconds: float = MAX_SECONDS) -> Iterator[None]:
    """Watch the running loop. Raises AssertionError if our code has blocked it for `max_seconds`.

    Every block of BLOCK_SECONDS is printed, and pytest shows that output for a failed test.
    """
    if not hasattr(time, "pthread_getcpuclockid"):  # macOS
        yield
        return
    blocks: list[Block] = []
    with collector_free_clock() as clock:
        watchdog = Watchdog(blocks.append, clock=clock)
        watchdog.start()
        try:
            yield
        finally:
            watchdog.stop()
    counted = [(seconds, stack) for seconds, stack in map(ours, blocks) if seconds >= BLOCK_SECONDS]
    for seconds, stack in counted:
        print(f"the event loop was blocked for {seconds:.3f} s of processor time, by", *stack, sep="\n  ")  # noqa: T201
    long = [(seconds, *map(str, stack)) for seconds, stack in counted if seconds >= max_seconds]
    assert not long, f"the event loop was blocked: {long}"


def ours(block: Block) -> tuple[float, tuple[Frame, ...]]:
    """Return the seconds for which our code blocked the loop, and its longest stack.

    The test's own code is not counted, nor is code that runs outside the loop, nor the first import of a module.
    """
    counted = tuple(sample for sample in block.samples if _is_ours(sample))
    return sum(sample.seconds for sample in counted), Block(0, counted).stack


def _is_ours(sample: Sample) -> bool:
    files = [frame.file for frame in sample.stack]
    if sample.stack[-1].function != "_run_once" or any("importlib" in file for file in files):
        return False
    innermost = next((file for file in files if file.startswith(f"{ROOT}/") and "/.venv/" not in file), "")
    return innermost.startswith(OURS)
