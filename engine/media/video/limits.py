"""Limit the frame size and the memory of every FFmpeg, since most read a user's file."""

import math
import resource
from collections.abc import Iterable
from contextlib import suppress

import structlog

from engine.core.errors import TooLarge
from engine.media.decoding import max_frame_pixels

log = structlog.get_logger()

MAX_CHILD_BYTES = 6 * 2**30
"""Memory limit of one FFmpeg.

Each thread of a decoder or an encoder holds frames of its own. Decoding 8K takes 3 GB on 16 cores, and encoding
3840 x 2160 with 16 threads, the most that `h264` allows, takes 3.2 GB.
"""
BLOCK_SIDE_PIXELS = 128
"""Maximum padding of a frame's side in a decoder, since codecs work on whole blocks."""
_OVER_PIXELS = ("exceeds specified max pixel count",)
_OVER_MEMORY = (
    "Cannot allocate memory",
    "pthread_create() failed",
    "Resource temporarily unavailable",  # a thread without memory for its stack
    "[error]: malloc of size",  # of x264
)


def max_coded_pixels() -> int:
    """Return the maximum pixels of a coded frame: enough for any frame within the owner's limit, up to 16:1."""
    side = math.isqrt(max_frame_pixels())
    return padded_pixels(4 * side, side // 4)


def padded_pixels(width: int, height: int) -> int:
    """Return the maximum pixels of a coded frame of this size, whose sides are rounded up to whole blocks."""
    return (width + BLOCK_SIDE_PIXELS) * (height + BLOCK_SIDE_PIXELS)


def limit_memory(pid: int) -> None:
    """Limit the private writable memory of the process `pid` to MAX_CHILD_BYTES. Only Linux supports this."""
    if hasattr(resource, "prlimit"):
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_DATA)
            limit = MAX_CHILD_BYTES if hard == resource.RLIM_INFINITY else min(MAX_CHILD_BYTES, hard)
            resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))


def raise_if_over_limits(lines: Iterable[str]) -> None:
    """Raise TooLarge if FFmpeg's log `lines` say that a limit stopped it."""
    text = "\n".join(line for line in lines if not line.startswith("  "))  # the indented lines are the file's own tags
    if any(message in text for message in _OVER_PIXELS):
        log.info("a frame exceeds the limit", ffmpeg=text[-300:])
        raise TooLarge(
            "Some frames of the video are larger than its header says, and too large to decode. Make it smaller."
        )
    if any(message in text for message in _OVER_MEMORY):
        log.info("FFmpeg ran out of memory", ffmpeg=text[-300:])
        raise TooLarge("Processing the video needs too much memory. Make its frames smaller.")
