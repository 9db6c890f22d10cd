"""Transform animated pictures frame by frame: a GIF stays a GIF, every other animation becomes a WebP."""

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
"""Duration of a frame whose file gives none."""

MAX_SIDE_PIXELS = {"GIF": 65_535, "WEBP": MAX_WEBP_SIDE_PIXELS}
"""Maximum width or height of a frame, by format."""
MAX_FRAME_MILLISECONDS = 655_350
"""Maximum duration of one frame: GIF stores hundredths of a second in 16 bits (GIF89a, 23)."""

Change = Callable[[DecodedImage, OnStep], DecodedImage]


def count_file_frames(path: Path, option: str = "image") -> int:
    """Return the number of frames in a picture file: 1 for a still. Raises BadInput for a damaged file."""
    with open_picture(path, option) as image, refuse_damage(option):
        return count_frames(image)


def transform_frames(path: Path, change: Change, on_step: OnStep, option: str = "image") -> bytes:
    """Return the encoded animation with `change` applied to each frame, keeping its durations and its loop count.

    Raises BadInput, naming the `option`, for a damaged file, and TooLarge for one over the limits.
    """
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
    return _encode_animation(frames, kind, duration=_limit_durations(frames, durations), **options)


def _frames(image: "Image.Image", change: Change, on_step: OnStep, option: str) -> Iterator[tuple[DecodedImage, float]]:
    """Yield each changed frame with its duration in milliseconds. A repeated frame is changed only once."""
    with refuse_damage(option):
        count, size = count_frames(image), image.size
    check_animation(*size, count, option)
    last: tuple[DecodedImage, DecodedImage] | None = None
    for number in range(count):
        step = subrange(on_step, number, count)
        step(0)  # so that a cancel is noticed during repeated frames, too
        with refuse_damage(option):
            seek_frame(image, number, option)
            if image.size != size:
                check_animation(*image.size, count, option)  # a GIF's later frames may make it larger
            plain = decode_image(image if image.size == size else image.crop((0, 0, *size)))
        if last is None or not _are_equal(plain, last[0]):
            last = (plain, change(plain, step))
        yield last[1], image.info.get("duration", DEFAULT_FRAME_MILLISECONDS)


def _check_side(side: int, kind: str) -> None:
    """Raise TooLarge if the format cannot hold a frame with a side of this many pixels."""
    if side > MAX_SIDE_PIXELS[kind]:
        raise TooLarge(
            "The result would be {count:,} pixel long; the limit for {format} is {bound:,}. Attach a smaller picture.",
            plural="The result would be {count:,} pixels long; the limit for {format} is {bound:,}. "
            "Attach a smaller picture.",
            count=side,
            format=kind,
            bound=MAX_SIDE_PIXELS[kind],
        )


def _limit_durations(frames: "list[Image.Image]", durations: list[float]) -> list[float]:
    """Return durations that the format can store. Pillow merges equal neighbours, so their sum is limited as well."""
    if sum(durations) <= MAX_FRAME_MILLISECONDS:
        return durations
    limited, left = list[float](), float(MAX_FRAME_MILLISECONDS)
    for number, duration in enumerate(durations):
        if number and frames[number].tobytes() != frames[number - 1].tobytes():
            left = MAX_FRAME_MILLISECONDS
        limited.append(max(0.0, min(duration, left)))
        left -= limited[-1]
    return limited


def _are_equal(one: DecodedImage, other: DecodedImage) -> bool:
    if (one.alpha is None) != (other.alpha is None) or not np.array_equal(one.colours, other.colours):
        return False
    return one.alpha is None or other.alpha is None or np.array_equal(one.alpha, other.alpha)


def _quantize(frame: DecodedImage) -> "Image.Image":
    """Return the frame in 255 colours plus one transparent colour. GIF has no partial transparency."""
    from PIL import Image

    image = Image.fromarray(frame.colours).quantize(255, Image.Quantize.MEDIANCUT)
    if frame.alpha is not None:
        image.paste(255, mask=Image.fromarray(np.where(frame.alpha < 128, np.uint8(255), np.uint8(0))))
        image.info["transparency"] = 255
    return image


def _encode_animation(frames: "list[Image.Image]", kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    is_transparent = any("transparency" in frame.info for frame in frames)
    more = {"disposal": 2 if is_transparent else 1} if kind == "GIF" else {"quality": 90}
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], **more, **options)
    return buffer.getvalue()
