"""A recording's sound as numbers."""

from pathlib import Path
from typing import TYPE_CHECKING

from engine.video.child import Watch, child
from engine.video.source import opened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def samples(path: Path, mime: str, rate: int, watch: Watch) -> "NDArray[np.float32]":
    """The first sound, mixed to one channel, in -1..1 at `rate` a second. Raises FFmpegFailed, Cancelled, TimedOut."""
    import numpy as np

    raw = opened(path, mime)["a:0"].output("pipe:", f="f32le", ac=1, ar=rate)
    with child(raw, watch) as one:
        data = one.out.read()
    return np.frombuffer(data, np.float32, len(data) // 4)
