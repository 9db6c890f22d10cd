"""Animated pictures, changed frame by frame: a GIF stays a GIF, what else is animated becomes a WebP."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import TooLarge
from engine.core.progress import OnStep, subrange
from engine.media.decoding import check_animation, count_frames, open_picture, refuse_damage, seek_frame
from engine.media.images import MAX_WEBP_SIDE_PIXELS, DecodedImage, decode_image

if TYPE_CHECKING:
    from PIL import Image

DEFAULT_FRAME_MILLISECONDS = 100
"""Milliseconds that a frame is shown which does not say so."""

MAX_SIDE = {"GIF": 65_535, "WEBP": MAX_WEBP_SIDE_PIXELS}
"""Pixels on a side of a frame, by format."""
MAX_DURATION = 655_350
"""Milliseconds that one frame may be shown: GIF stores hundredths of a second in 16 bits (GIF89a, 23)."""

Change = Callable[[DecodedImage, OnStep], DecodedImage]


def count_file_frames(path: Path, option: str = "image") -> int:
    """Return how many pictures the file of a picture has. Raises BadInput for a damaged one."""
    with open_picture(path, option) as image, refuse_damage(option):
        return count_frames(image)


def transform_frames(path: Path, change: Change, on_step: OnStep, option: str = "image") -> bytes:
    """The animation with each frame changed, and the times and the loops that it had. Raises BadInput and TooLarge."""
    from PIL import Image

    with open_picture(path, option) as image:
        kind = "GIF" if image.format == "GIF" else "WEBP"
        options = {"loop": image.info["loop"]} if "loop" in image.info else {}
        frames, durations = list[Image.Image](), list[float]()
        for frame, duration in _frames(image, change, on_step, option):
            _check_side(max(frame.colours.shape), kind)
            frames.append(_quantize(frame) if kind == "GIF" else Image.fromarray(frame.pixels))
            durations.append(duration)
            if kind == "WEBP" and frame.profile:
                options["icc_profile"] = frame.profile
    return _bound_up(frames, kind, duration=_bounded(frames, durations), **options)


def _frames(image: "Image.Image", change: Change, on_step: OnStep, option: str) -> Iterator[tuple[DecodedImage, float]]:
    """Each frame changed, and for how many milliseconds it is shown. One that repeats the last one costs nothing."""
    with refuse_damage(option):
        count, size = count_frames(image), image.size
    check_animation(*size, count, option)
    last: tuple[DecodedImage, DecodedImage] | None = None
    for number in range(count):
        with refuse_damage(option):
            seek_frame(image, number, option)
            plain = decode_image(image if image.size == size else image.crop((0, 0, *size)))
        if last is None or not _same(plain, last[0]):
            last = (plain, change(plain, subrange(on_step, number, count)))
        yield last[1], image.info.get("duration", DEFAULT_FRAME_MILLISECONDS)


def _check_side(side: int, kind: str) -> None:
    """Raises TooLarge where the format has no room for a frame; the first one tells before the others are changed."""
    if side > MAX_SIDE[kind]:
        raise TooLarge(
            "The result would be {side} pixels long; a {format} may be {bound} at most. Attach a smaller one.",
            side=side,
            format=kind,
            bound=MAX_SIDE[kind],
        )


def _bounded(frames: "list[Image.Image]", durations: list[float]) -> list[float]:
    """Shorten what is shown for longer than a file can say: Pillow writes frames that are alike as one."""
    if sum(durations) <= MAX_DURATION:
        return durations
    shown, left = list[float](), float(MAX_DURATION)
    for number, duration in enumerate(durations):
        if number and frames[number].tobytes() != frames[number - 1].tobytes():
            left = MAX_DURATION
        shown.append(max(0.0, min(duration, left)))
        left -= shown[-1]
    return shown


def _same(one: DecodedImage, other: DecodedImage) -> bool:
    if (one.alpha is None) != (other.alpha is None) or not np.array_equal(one.colours, other.colours):
        return False
    return one.alpha is None or other.alpha is None or np.array_equal(one.alpha, other.alpha)


def _quantize(frame: DecodedImage) -> "Image.Image":
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
