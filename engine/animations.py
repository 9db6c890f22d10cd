"""Animated pictures, changed frame by frame: a GIF stays a GIF, what else is animated becomes a WebP."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.steps import OnStep, part
from engine.stills import Still, damaged, still

if TYPE_CHECKING:
    from PIL import Image

USUAL_DURATION = 100
"""Milliseconds that a frame is shown which does not say so."""

Change = Callable[[Still, OnStep], Still]


def frames_of(path: Path, option: str = "image") -> int:
    """How many pictures the file of a picture has. Raises BadInput for a damaged one."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise damaged(option) from error


def changed(path: Path, change: Change, on_step: OnStep, option: str = "image") -> bytes:
    """The animation with each frame changed, and the times and the loops that it had. Raises BadInput."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            loop = {"loop": image.info["loop"]} if "loop" in image.info else {}
            frames, durations = [], []
            for frame, duration in _frames(image, change, on_step):
                frames.append(_indexed(frame) if image.format == "GIF" else Image.fromarray(frame.pixels))
                durations.append(duration)
            return _bound_up(frames, "GIF" if image.format == "GIF" else "WEBP", duration=durations, **loop)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise damaged(option) from error


def _frames(image: "Image.Image", change: Change, on_step: OnStep) -> Iterator[tuple[Still, float]]:
    """Each frame changed, and for how many milliseconds it is shown. One that repeats the last one costs nothing."""
    count: int = image.n_frames  # type: ignore[attr-defined]  # of animated formats
    last: tuple[Still, Still] | None = None
    for number in range(count):
        image.seek(number)
        plain = still(image)
        if last is None or not _same(plain, last[0]):
            last = (plain, change(plain, part(on_step, number, count)))
        yield last[1], image.info.get("duration", USUAL_DURATION)


def _same(one: Still, other: Still) -> bool:
    if (one.alpha is None) != (other.alpha is None) or not np.array_equal(one.colours, other.colours):
        return False
    return one.alpha is None or other.alpha is None or np.array_equal(one.alpha, other.alpha)


def _indexed(frame: Still) -> "Image.Image":
    """In 255 colours, and one for what is transparent; GIF knows no half."""
    from PIL import Image

    image = Image.fromarray(frame.colours).quantize(255, Image.Quantize.MEDIANCUT)
    if frame.alpha is not None:
        image.paste(255, mask=Image.fromarray(np.where(frame.alpha < 128, np.uint8(255), np.uint8(0))))
        image.info["transparency"] = 255
    return image


def _bound_up(frames: "list[Image.Image]", kind: str, **options: Any) -> bytes:
    held = io.BytesIO()
    clears = any("transparency" in frame.info for frame in frames)
    more = {"disposal": 2 if clears else 1} if kind == "GIF" else {"quality": 90}
    frames[0].save(held, kind, save_all=True, append_images=frames[1:], **more, **options)
    return held.getvalue()
