"""One FFmpeg at a time as a child: no shell, ended within a moment by a cancel or by its time limit."""

import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import structlog

from engine.core.errors import Cancelled, TimedOut
from engine.media.video.limits import limit_memory, raise_if_over_limits
from engine.media.video.programs import ffmpeg_path

log = structlog.get_logger()

POLL_SECONDS = 0.1
"""Seconds between two looks at whether the child has to go."""
MAX_LOG_LINES = 200
"""Lines of what FFmpeg says that are kept, from the start and from the end."""

FONTS = "fonts.conf"
"""Fontconfig's file in a working folder, so that text is drawn with the fonts that it names and no others."""

OnSeconds = Callable[[float], None]


class FFmpegFailed(Exception):
    """FFmpeg ended with an error. The text is what it said last, for the log and never for a chat."""


@dataclass(frozen=True)
class CancelOrTimeout:
    """What ends a child early: `cancelled` being set, or `seconds` having passed."""

    cancelled: threading.Event = field(default_factory=threading.Event)
    seconds: float = 600


@dataclass
class Child:
    """A running FFmpeg. `head` and `tail` are the first and last lines of its standard error."""

    process: subprocess.Popen[bytes]
    head: list[str] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    overdue: bool = False

    @property
    def out(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    @property
    def into(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin


@contextmanager
def start_ffmpeg(
    pipeline: Any,
    watch: CancelOrTimeout,
    *options: str,
    feed: bool = False,
    loglevel: str = "error",
    folder: Path | None = None,
) -> Iterator[Child]:
    """FFmpeg at work on `pipeline`, an output of ffmpeg-python, in the working folder `folder`; gone at the end.

    `options` are global ones; `feed` opens its standard input. Raises Cancelled, TimedOut, and FFmpegFailed when it
    ended with an error.
    """
    import ffmpeg

    ours = ["-hide_banner", "-nostdin", "-y", "-loglevel", loglevel, *options]
    asked = ffmpeg.compile(pipeline, cmd=ffmpeg_path())
    environment = os.environ | {"FONTCONFIG_FILE": str(folder / FONTS)} if folder else None
    with subprocess.Popen(
        [asked[0], *ours, *asked[1:]],
        stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
    ) as process:
        if not feed:
            limit_memory(process.pid)
        one = Child(process)
        listener = threading.Thread(target=_listen, args=(one,))
        listener.start()
        threading.Thread(target=_watchdog, args=(one, watch), daemon=True).start()
        try:
            yield one
            process.wait()
        except BrokenPipeError:
            process.wait()
        finally:
            process.kill()
            listener.join()
            _close(process)
    _raise_for_status(one, watch)


def run_pipeline(
    pipeline: Any, watch: CancelOrTimeout, on_seconds: OnSeconds | None = None, folder: Path | None = None
) -> dict[str, str]:
    """Run `pipeline` to its end. `on_seconds` hears how many seconds of the output are done.

    Returns FFmpeg's last progress report, such as `{"frame": "50", "out_time_us": "2000000"}`. Raises what `child`
    and `on_seconds` raise.
    """
    told: dict[str, str] = {}
    with start_ffmpeg(pipeline, watch, "-nostats", "-progress", "pipe:1", folder=folder) as one:
        for name, value in _reports(one.out):
            told[name] = value
            if name == "progress" and on_seconds:
                on_seconds(parse_seconds(told))
    return told


def pipe_frames(
    pipeline: Any, chunks: Iterable[bytes | memoryview], watch: CancelOrTimeout, folder: Path | None = None
) -> None:
    """Run `pipeline`, whose input is `pipe:`, on `chunks`. Raises what `child` and `chunks` raise."""
    with start_ffmpeg(pipeline, watch, feed=True, folder=folder) as one:
        for chunk in chunks:
            one.into.write(chunk)
        one.into.close()


def run_and_capture(pipeline: Any, watch: CancelOrTimeout, folder: Path | None = None) -> str:
    """Run `pipeline` to its end -> the last lines of what FFmpeg says of it, where filters tell what they measured."""
    with start_ffmpeg(pipeline, watch, "-nostats", loglevel="info", folder=folder) as one:
        pass
    return "\n".join(one.tail)


def _close(process: subprocess.Popen[bytes]) -> None:
    """What was still to be written to a child that is gone is of no use."""
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()


def parse_seconds(told: dict[str, str]) -> float:
    """How many seconds of the output a progress report says are done."""
    time_us = told.get("out_time_us", "")
    return max(0.0, int(time_us) / 1e6) if time_us.lstrip("-").isdigit() else 0.0


def _reports(stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    for line in stream:
        name, equals, value = line.decode(errors="replace").strip().partition("=")
        if equals:
            yield name.strip(), value.strip()


def _listen(one: Child) -> None:
    assert one.process.stderr is not None
    for line in one.process.stderr:
        said = line[:1000].decode(errors="replace").rstrip()
        if len(one.head) < MAX_LOG_LINES:
            one.head.append(said)
        one.tail.append(said)


def _watchdog(one: Child, watch: CancelOrTimeout) -> None:
    deadline = time.monotonic() + watch.seconds
    while one.process.poll() is None:
        one.overdue = time.monotonic() > deadline
        if one.overdue or watch.cancelled.wait(POLL_SECONDS):
            one.process.kill()
            return


def _raise_for_status(one: Child, watch: CancelOrTimeout) -> None:
    if watch.cancelled.is_set():
        raise Cancelled("Cancelled.")
    if one.overdue:
        raise TimedOut(
            "The sound or video took longer than {seconds} s to work through. Send a shorter one.",
            seconds=round(watch.seconds),
        )
    raise_if_over_limits([*one.head, *one.tail])
    if one.process.returncode != 0:
        raise FFmpegFailed("\n".join(one.tail))
