"""FFmpeg's options for the encoder x264."""

import os
from typing import Any

MAX_THREADS = 16
"""Maximum number of x264's threads. Each holds frames of its own: at 3840 x 2160, 16 threads take 3.2 GB, and the 96
that x264 starts on 64 cores take 13 GB."""


def h264_options(crf: int) -> dict[str, Any]:
    """Return the output options for H.264 of the quality `crf`, the constant rate factor: 18 is close to lossless."""
    return {"c:v": "libx264", "preset": "veryfast", "crf": crf, "threads:v": min(MAX_THREADS, _default_threads())}


def _default_threads() -> int:
    """Return the number of threads that x264 would start: three for every two cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, 3 * cores // 2)
