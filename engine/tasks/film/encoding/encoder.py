"""Encode frames as H.264, one file for each segment, so that a film is joined without encoding anything twice."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import structlog

from engine.media.video import CancelOrTimeout, FFmpegFailed, h264_options, pipe_frames, run_pipeline
from engine.tasks.film.camera.canvas import Frame
from engine.tasks.film.film import FRAME_RATE

log = structlog.get_logger()

COLOURS = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "color_range": "tv"}
X264 = h264_options(20)
NVENC = {"c:v": "h264_nvenc", "preset": "p4", "cq": 21, "rc": "vbr", "bf": 0}
X264_FALLBACK = X264 | {"bf": 0}
"""Options for a segment that NVENC failed to encode.

Segments are joined without encoding, and one with B-frames would start later than the others.
"""
TIMESCALE = 15360
"""Ticks per second of the video track."""


@cache
def detect_encoder() -> dict[str, Any]:
    """Return the options for NVENC if the GPU of this machine can encode, otherwise for x264."""
    import ffmpeg

    sample = ffmpeg.input("color=s=256x256:r=30:d=0.2", f="lavfi")
    try:
        run_pipeline(ffmpeg.output(sample, "pipe:", f="null", pix_fmt="yuv420p", **NVENC), CancelOrTimeout(seconds=20))
    except FFmpegFailed as error:
        log.info("NVENC is not available", error=str(error)[-200:])
        return X264
    return NVENC


def encode_segment(
    frames: Iterable[Frame],
    size: tuple[int, int],
    path: Path,
    watch: CancelOrTimeout,
    *,
    options: dict[str, Any],
    draw: Callable[[Any], Any] = lambda video: video,
) -> None:
    """Encode `frames` of `size`, width and height, to the MP4 `path` with the encoder `options`.

    `draw` adds text to the ffmpeg-python stream of the frames. Raises FFmpegFailed, Cancelled and TimedOut, and what
    `frames` raises.
    """
    import ffmpeg

    shape = f"{size[0]}x{size[1]}"
    video = ffmpeg.input("pipe:", f="rawvideo", pix_fmt="yuv420p", s=shape, framerate=FRAME_RATE, **COLOURS)
    container = {"f": "mp4", "pix_fmt": "yuv420p", "video_track_timescale": TIMESCALE}
    output = draw(video).output(path.name, **container, **COLOURS, **options)
    pipe_frames(output, (frame.data for frame in frames), watch, path.parent)
