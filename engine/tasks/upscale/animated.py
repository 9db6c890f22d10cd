"""Enlarges GIFs, other animated pictures and short videos frame by frame."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import BadInput, TooLarge
from engine.core.job import Media
from engine.core.progress import OnStep
from engine.media import video
from engine.media.animations import MAX_SIDE_PIXELS, transform_frames
from engine.media.decoding import MAX_ANIMATION_PIXELS
from engine.tasks.upscale.realesrgan.fidelity import enlarge_faithfully
from engine.tasks.upscale.scale import Limit
from engine.tasks.upscale.still import upscale_still
from engine.tasks.upscale.tile_planner import Upscale
from engine.worker.context import Context

Picture = NDArray[np.uint8]

MAX_FRAME_PIXELS = 3840 * 2160
"""Most pixels in a frame of an enlarged video, so that players can play it."""
FRAME_LIMIT = Limit(MAX_FRAME_PIXELS)
VIDEO_LIMITS = video.ProbeLimits(seconds=60, frames=1800)
"""Limits of a video."""


def animation_limit(mime: str, frames: int) -> Limit:
    """Return the limit of each frame in an enlarged animation of so many frames."""
    return Limit(MAX_ANIMATION_PIXELS // frames, MAX_SIDE_PIXELS["GIF" if mime == "image/gif" else "WEBP"])


def animation(path: Path, frames: int, size: tuple[int, int], enlarge: Upscale, on_step: OnStep) -> bytes:
    """Return a GIF as a GIF, and other animations as WebP, with the original timing and loops.

    Raises BadInput and TooLarge.
    """
    _check_animation_size(frames, size)
    return transform_frames(path, lambda small, on_step: upscale_still(small, size, enlarge, on_step), on_step)


def look(media: Media, context: Context) -> tuple[video.Probe, video.Stream]:
    """Return the video's properties and its stream. Raises BadInput and TooLarge."""
    found = video.probe(
        media.path, media.mime, VIDEO_LIMITS, video.CancelOrTimeout(cancelled=context.cancelled, seconds=30)
    )
    if found.video is None:
        raise BadInput("image only has sound. Attach a picture, a GIF or a video.")
    return found, found.video


def clip(media: Media, found: video.Probe, scale: float, enlarge: Upscale, context: Context) -> Media:
    """Return an MP4 with the video's own sound. Raises TooLarge."""
    stream = found.video
    assert stream is not None
    height, width = (2 * round(side * scale / 2) for side in (stream.height, stream.width))
    if width * height > MAX_FRAME_PIXELS:
        raise TooLarge(
            "A video of {width} x {height} pixels at scale {scale:g} is too large; the limit is {bound:,}. Choose a"
            " smaller scale or video.",
            scale=scale,
            width=stream.width,
            height=stream.height,
            bound=MAX_FRAME_PIXELS,
        )
    watch = video.CancelOrTimeout(cancelled=context.cancelled)
    with context.temp_dir() as folder:
        path = folder / "larger.mp4"
        larger = _larger(media, stream, (height, width), enlarge, context)
        video.write_frames(larger, path, stream.rate, watch, (media.path, media.mime, found) if found.sound else None)
        kept = context.save_file(path)
    return video.with_dimensions(kept, video.probe(kept.path, kept.mime, watch=watch))


def _larger(
    media: Media, stream: video.Stream, size: tuple[int, int], enlarge: Upscale, context: Context
) -> Iterator[Picture]:
    watch = video.CancelOrTimeout(cancelled=context.cancelled)
    for number, frame in enumerate(video.read_frames(media.path, media.mime, stream, watch)):
        context.progress("enlarging", min(1.0, number / stream.frames))
        yield enlarge_faithfully(frame, size, enlarge, lambda _: context.check())


def _check_animation_size(frames: int, size: tuple[int, int]) -> None:
    if frames * size[0] * size[1] > MAX_ANIMATION_PIXELS:
        raise TooLarge(
            "image has {count:,} frame; the limit at {width} x {height} is {bound:,}. Choose a smaller scale, or"
            " attach a shorter one.",
            plural="image has {count:,} frames; the limit at {width} x {height} is {bound:,}. Choose a smaller scale,"
            " or attach a shorter one.",
            count=frames,
            width=size[1],
            height=size[0],
            bound=MAX_ANIMATION_PIXELS // (size[0] * size[1]),
        )
