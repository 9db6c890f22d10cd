"""What an FFmpeg that reads a person's file may take: pixels of a frame, and memory."""

import math
import resource
from collections.abc import Iterable
from contextlib import suppress

import structlog

from engine.core.errors import TooLarge
from engine.media.decoding import max_frame_pixels

log = structlog.get_logger()

MAX_CHILD_BYTES = 6 * 2**30
"""Memory of one FFmpeg. An 8K video takes 3 GB on 16 cores: each decoding thread holds a frame of its own."""
BLOCK_SIDE = 128
"""Pixels by which a side may be longer in a decoder than what is shown of it, since codecs work on whole blocks."""
_OVER_PIXELS = ("exceeds specified max pixel count",)
_OVER_MEMORY = ("Cannot allocate memory", "pthread_create() failed")


def max_coded_pixels() -> int:
    """Return the pixels that a decoder may hold for a frame of any shape within the owner's bound."""
    side = math.isqrt(max_frame_pixels())
    return padded_pixels(4 * side, side // 4)


def padded_pixels(width: int, height: int) -> int:
    """Return the pixels that a decoder may hold for a frame of this size: its sides are rounded up to whole blocks."""
    return (width + BLOCK_SIDE) * (height + BLOCK_SIDE)


def limit_memory(pid: int) -> None:
    """Bound the memory of the process `pid`, where the system can: private writable pages, which Linux counts."""
    if hasattr(resource, "prlimit"):
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (MAX_CHILD_BYTES, MAX_CHILD_BYTES))


def raise_if_over_limits(lines: Iterable[str]) -> None:
    """Raise TooLarge where one of the lines that FFmpeg wrote to its log says that a bound stopped it."""
    said = "\n".join(lines)
    if any(each in said for each in _OVER_PIXELS):
        log.info("a frame is over the bound", said=said[-300:])
        raise TooLarge("The video has frames that are larger than it says, over the bound. Make it smaller.")
    if any(each in said for each in _OVER_MEMORY):
        log.info("FFmpeg ran out of memory", said=said[-300:])
        raise TooLarge("The video takes too much memory to decode. Make its frames smaller.")
