"""Run FFmpeg as a child process without a shell, and stop it at once when cancelled or out of time."""

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
"""Interval between checks for a cancellation or a timeout."""
MAX_LOG_LINES = 200
"""Number of log lines kept from the start of FFmpeg's output."""
MAX_LAST_LINES = 20
"""Number of log lines kept from the end of FFmpeg's output."""

FONTS = "fonts.conf"
"""Name of the Fontconfig file in a working folder. Text is drawn with only the fonts that it lists."""

OnSeconds = Callable[[float], None]


class FFmpegFailed(Exception):
    """FFmpeg exited with an error. The text is the end of its log: write it to our log, never to a chat."""


@dataclass(frozen=True)
class CancelOrTimeout:
    """The conditions that stop FFmpeg early: `cancelled` is set, or `seconds` have passed."""

    cancelled: threading.Event = field(default_factory=threading.Event)
    seconds: float = 600


@dataclass
class FFmpegProcess:
    """A running FFmpeg. `head` and `tail` are the first and last lines of its standard error."""

    process: subprocess.Popen[bytes]
    head: list[str] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_LAST_LINES))
    is_overdue: bool = False

    @property
    def stdout(self) -> IO[bytes]:
        """Return the pipe from FFmpeg's standard output."""
        assert self.process.stdout is not None
        return self.process.stdout

    @property
    def stdin(self) -> IO[bytes]:
        """Return the pipe to FFmpeg's standard input. It exists only with `feed`."""
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
) -> Iterator[FFmpegProcess]:
    """Run FFmpeg on `pipeline`, an output of ffmpeg-python, in the working folder `folder`. It has exited at the end.

    `options` are global options of FFmpeg. `feed` opens its standard input. Raises Cancelled, TimedOut, TooLarge if a
    limit stopped FFmpeg, and FFmpegFailed if it exited with any other error.
    """
    import ffmpeg

    global_options = ["-hide_banner", "-nostdin", "-y", "-loglevel", loglevel, *options]
    command = ffmpeg.compile(pipeline, cmd=ffmpeg_path())
    environment = os.environ | {"FONTCONFIG_FILE": str(folder / FONTS)} if folder else None
    with subprocess.Popen(
        [command[0], *global_options, *command[1:]],
        stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
    ) as process:
        if not feed:
            limit_memory(process.pid)
        one = FFmpegProcess(process)
        reader = threading.Thread(target=_read_log, args=(one,))
        reader.start()
        threading.Thread(target=_watchdog, args=(one, watch), daemon=True).start()
        try:
            yield one
            process.wait()
        except BrokenPipeError:
            process.wait()
        finally:
            process.kill()
            reader.join()
            _close_stdin(process)
    _raise_for_status(one, watch)


def run_pipeline(
    pipeline: Any, watch: CancelOrTimeout, on_seconds: OnSeconds | None = None, folder: Path | None = None
) -> dict[str, str]:
    """Run `pipeline` to its end, and call `on_seconds` with the seconds of output that are done.

    Return FFmpeg's last progress report, such as `{"frame": "50", "out_time_us": "2000000"}`. Raises the errors of
    `start_ffmpeg` and of `on_seconds`.
    """
    report: dict[str, str] = {}
    with start_ffmpeg(pipeline, watch, "-nostats", "-progress", "pipe:1", folder=folder) as one:
        for name, value in _parse_reports(one.stdout):
            report[name] = value
            if name == "progress" and on_seconds:
                on_seconds(parse_seconds(report))
    return report


def pipe_frames(
    pipeline: Any, chunks: Iterable[bytes | memoryview], watch: CancelOrTimeout, folder: Path | None = None
) -> None:
    """Run `pipeline`, whose input is `pipe:`, on `chunks`. Raises the errors of `start_ffmpeg` and of `chunks`."""
    with start_ffmpeg(pipeline, watch, feed=True, folder=folder) as one:
        for chunk in chunks:
            one.stdin.write(chunk)
        one.stdin.close()


def run_and_capture(pipeline: Any, watch: CancelOrTimeout, folder: Path | None = None) -> str:
    """Run `pipeline` to its end and return the last lines of FFmpeg's log, where filters print their measurements."""
    with start_ffmpeg(pipeline, watch, "-nostats", loglevel="info", folder=folder) as one:
        pass
    return "\n".join(one.tail)


def _close_stdin(process: subprocess.Popen[bytes]) -> None:
    """Close the standard input of a process that has exited, and drop what is still buffered for it."""
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()


def parse_seconds(report: dict[str, str]) -> float:
    """Return the seconds of output that are done, by a progress report."""
    time_us = report.get("out_time_us", "")
    return max(0.0, int(time_us) / 1e6) if time_us.lstrip("-").isdigit() else 0.0


def _parse_reports(stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    for line in stream:
        name, equals, value = line.decode(errors="replace").strip().partition("=")
        if equals:
            yield name.strip(), value.strip()


def _read_log(one: FFmpegProcess) -> None:
    """Keep the log's beginning and end. Chapters and tags, which may fill it before the first stream, are left out."""
    assert one.process.stderr is not None
    has_streams = False
    for line in one.process.stderr:
        text = line[:1000].decode(errors="replace").rstrip()
        has_streams = has_streams or text.startswith("  Stream #")
        if len(one.head) < MAX_LOG_LINES and (has_streams or not text.startswith("    ")):
            one.head.append(text)
        one.tail.append(text)


def _watchdog(one: FFmpegProcess, watch: CancelOrTimeout) -> None:
    """Kill FFmpeg when it is cancelled or out of time."""
    deadline = time.monotonic() + watch.seconds
    while one.process.poll() is None:
        one.is_overdue = time.monotonic() > deadline
        if one.is_overdue or watch.cancelled.wait(POLL_SECONDS):
            one.process.kill()
            return


def _raise_for_status(one: FFmpegProcess, watch: CancelOrTimeout) -> None:
    if watch.cancelled.is_set():
        raise Cancelled("Cancelled.")
    if one.is_overdue:
        raise TimedOut(
            "Processing the audio or video took longer than {seconds:duration}, so it was stopped. Send a shorter one.",
            seconds=watch.seconds,
        )
    raise_if_over_limits([*one.head, *one.tail])
    if one.process.returncode != 0:
        raise FFmpegFailed("\n".join(one.tail))
