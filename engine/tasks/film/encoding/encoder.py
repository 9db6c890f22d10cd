"""Frames to H.264, one file a scene, so that a film is joined without encoding anything twice."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import structlog

from engine.media.video import CancelOrTimeout, FFmpegFailed, pipe_frames, run_pipeline
from engine.tasks.film.camera.canvas import Frame
from engine.tasks.film.film import RATE

log = structlog.get_logger()

COLOURS = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "color_range": "tv"}
X264 = {"c:v": "libx264", "preset": "veryfast", "crf": 20}
NVENC = {"c:v": "h264_nvenc", "preset": "p4", "cq": 21, "rc": "vbr", "bf": 0}
BESIDE_NVENC = X264 | {"bf": 0}
"""For a clip that NVENC fails at. Clips are joined as they are: one with B-frames would begin later than the others."""
TIMESCALE = 15360


@cache
def encoder() -> dict[str, Any]:
    """NVENC where this machine's GPU encodes, or else x264."""
    import ffmpeg

    tiny = ffmpeg.input("color=s=256x256:r=30:d=0.2", f="lavfi")
    try:
        run_pipeline(ffmpeg.output(tiny, "pipe:", f="null", pix_fmt="yuv420p", **NVENC), CancelOrTimeout(seconds=20))
    except FFmpegFailed as error:
        log.info("no NVENC", said=str(error)[-200:])
        return X264
    return NVENC


def encode_segment(
    frames: Iterable[Frame],
    size: tuple[int, int],
    path: Path,
    watch: CancelOrTimeout,
    *,
    how: dict[str, Any],
    drawing: Callable[[Any], Any] = lambda video: video,
) -> None:
    """Write `frames` of `size`, width and height, to the MP4 `path` by the encoder `how`.

    `drawing` adds what is drawn on them to the stream of ffmpeg-python.

    Raises FFmpegFailed, Cancelled and TimedOut, and what `frames` raises.
    """
    import ffmpeg

    shape = f"{size[0]}x{size[1]}"
    video = ffmpeg.input("pipe:", f="rawvideo", pix_fmt="yuv420p", s=shape, framerate=RATE, **COLOURS)
    form = {"f": "mp4", "pix_fmt": "yuv420p", "video_track_timescale": TIMESCALE}
    made = drawing(video).output(path.name, **form, **COLOURS, **how)
    pipe_frames(made, (frame.data for frame in frames), watch, path.parent)
