"""Run a program that reads a user's recording as a child process, and stop it when cancelled or out of time."""

import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from engine.core.errors import Cancelled, TimedOut
from engine.media.video.limits import limit_memory, raise_if_over_limits

POLL_SECONDS = 0.1
"""Interval between checks for a cancellation or a timeout."""
MAX_FIRST_LINES = 50
"""Number of log lines kept from the start of a child's log, where the cause of an error stands."""
MAX_LAST_LINES = 20
"""Number of log lines kept from the end of a child's log."""
MAX_LINE_BYTES = 1000
"""Number of bytes kept of a log line."""


class FFmpegFailed(Exception):
    """FFmpeg exited with an error. The text is the end of its log: write it to our log, never to a chat."""


@dataclass(frozen=True)
class CancelOrTimeout:
    """The conditions that stop a child early: `cancelled` is set, or `seconds` have passed."""

    cancelled: threading.Event = field(default_factory=threading.Event)
    seconds: float = 600


@dataclass
class Child:
    """A running child. `head` and `tail` are the first and last lines of its standard error."""

    process: subprocess.Popen[bytes]
    head: list[str] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_LAST_LINES))
    is_overdue: bool = False

    @property
    def stdout(self) -> IO[bytes]:
        """Return the pipe from the child's standard output."""
        assert self.process.stdout is not None
        return self.process.stdout

    @property
    def stdin(self) -> IO[bytes]:
        """Return the pipe to the child's standard input. It exists only with `feed`."""
        assert self.process.stdin is not None
        return self.process.stdin


@contextmanager
def run_child(
    command: Sequence[str],
    watch: CancelOrTimeout,
    *,
    feed: bool = False,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Child]:
    """Run `command` with limited memory in the working folder `folder`. It has exited at the end of the `with`.

    `feed` opens its standard input. `environment` is added to ours. Raises Cancelled, TimedOut, TooLarge if a limit
    stopped the child, and FFmpegFailed if it exited with any other error.
    """
    with _start(command, feed, folder, environment or {}) as process:
        child = Child(process)
        reader = threading.Thread(target=_read_log, args=(child,))
        reader.start()
        threading.Thread(target=_stop_early, args=(child, watch), daemon=True).start()
        try:
            yield child
            process.wait()
        except BrokenPipeError:
            process.wait()
        finally:
            process.kill()
            reader.join()
            _close_stdin(process)
    _raise_for_status(child, watch)


def _start(
    command: Sequence[str], feed: bool, folder: Path | None, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, **environment},
    )
    limit_memory(process.pid)
    return process


def _read_log(child: Child) -> None:
    assert child.process.stderr is not None
    for line in child.process.stderr:
        text = line[:MAX_LINE_BYTES].decode(errors="replace").rstrip()
        if len(child.head) < MAX_FIRST_LINES:
            child.head.append(text)
        child.tail.append(text)


def _stop_early(child: Child, watch: CancelOrTimeout) -> None:
    """Kill the child when it is cancelled or out of time."""
    deadline = time.monotonic() + watch.seconds
    while child.process.poll() is None:
        child.is_overdue = time.monotonic() > deadline
        if child.is_overdue or watch.cancelled.wait(POLL_SECONDS):
            child.process.kill()
            return


def _close_stdin(process: subprocess.Popen[bytes]) -> None:
    """Close the standard input of a process that has exited, and drop what is still buffered for it."""
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()


def _raise_for_status(child: Child, watch: CancelOrTimeout) -> None:
    if watch.cancelled.is_set():
        raise Cancelled("Cancelled.")
    if child.is_overdue:
        raise TimedOut(
            "Processing the audio or video took longer than {seconds:duration}, so it was stopped. Send a shorter one.",
            seconds=watch.seconds,
        )
    raise_if_over_limits([*child.head, *child.tail])
    if child.process.returncode != 0:
        raise FFmpegFailed("\n".join(child.tail))
