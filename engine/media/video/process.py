"""Run FFmpeg on pipelines of ffmpeg-python, without a shell."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from engine.media.video.child import CancelOrTimeout, Child, run_child
from engine.media.video.programs import ffmpeg_path

FONTS = "fonts.conf"
"""Name of the Fontconfig file in a working folder. Text is drawn with only the fonts that it lists."""

OnSeconds = Callable[[float], None]


def start_ffmpeg(
    pipeline: Any,
    watch: CancelOrTimeout,
    *options: str,
    feed: bool = False,
    loglevel: str = "error",
    folder: Path | None = None,
) -> AbstractContextManager[Child]:
    """Run FFmpeg on `pipeline`, an output of ffmpeg-python, as `run_child` does. `options` are its global options."""
    import ffmpeg

    program, *arguments = ffmpeg.compile(pipeline, cmd=ffmpeg_path())
    command = [program, "-hide_banner", "-nostdin", "-y", "-loglevel", loglevel, *options, *arguments]
    fonts = {"FONTCONFIG_FILE": str(folder / FONTS)} if folder else {}
    return run_child(command, watch, feed=feed, folder=folder, environment=fonts)


def run_pipeline(
    pipeline: Any, watch: CancelOrTimeout, on_seconds: OnSeconds | None = None, folder: Path | None = None
) -> dict[str, str]:
    """Run `pipeline` to its end, and call `on_seconds` with the seconds of output that are done.

    Return FFmpeg's last progress report, such as `{"frame": "50", "out_time_us": "2000000"}`. Raises the errors of
    `run_child` and of `on_seconds`.
    """
    report: dict[str, str] = {}
    with start_ffmpeg(pipeline, watch, "-nostats", "-progress", "pipe:1", folder=folder) as child:
        for name, value in _parse_reports(child.stdout):
            report[name] = value
            if name == "progress" and on_seconds:
                on_seconds(_parse_seconds(report))
    return report


def pipe_frames(
    pipeline: Any, chunks: Iterable[bytes | memoryview], watch: CancelOrTimeout, folder: Path | None = None
) -> None:
    """Run `pipeline`, whose input is `pipe:`, on `chunks`. Raises the errors of `run_child` and of `chunks`."""
    with start_ffmpeg(pipeline, watch, feed=True, folder=folder) as child:
        for chunk in chunks:
            child.stdin.write(chunk)
        child.stdin.close()


def run_and_capture(pipeline: Any, watch: CancelOrTimeout, folder: Path | None = None) -> str:
    """Run `pipeline` to its end and return the last lines of FFmpeg's log, where filters print their measurements."""
    with start_ffmpeg(pipeline, watch, "-nostats", loglevel="info", folder=folder) as child:
        pass
    return "\n".join(child.tail)


def _parse_seconds(report: dict[str, str]) -> float:
    """Return the seconds of output that are done, by a progress report."""
    time_us = report.get("out_time_us", "")
    return max(0.0, int(time_us) / 1e6) if time_us.lstrip("-").isdigit() else 0.0


def _parse_reports(stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    for line in stream:
        name, equals, value = line.decode(errors="replace").strip().partition("=")
        if equals:
            yield name.strip(), value.strip()
