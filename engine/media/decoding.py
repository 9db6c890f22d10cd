"""Open picture files. This is the only module that does, and it limits the pixels that are decoded.

Pillow reads the size, and its decoders write into a buffer of exactly that size, so a header cannot claim one size and
decode to another. A second parser could read another size from the same bytes: a JPEG with data after FF 00, or a GIF
whose frame is larger than its screen. This module therefore checks the size after opening and after every seek, before
it decodes anything.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import BadInput, TooLarge
from engine.media import exif

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF", "HEIF")
"""Pillow's names of the supported formats. Its other parsers are never given a file."""
ANIMATED_FORMATS = ("PNG", "WEBP", "GIF", "AVIF")
"""Formats whose further pictures are frames. In a JPEG or a HEIC they are other views of the same photo."""
MAX_RESULT_PIXELS = 8192 * 8192
"""Pixels of the largest picture that a task creates. Results can be read again even if the owner's limit is lower."""
MAX_ANIMATION_FRAMES = 3000
MAX_ANIMATION_PIXELS = 400_000_000
"""Maximum pixels of an animation, summed over its frames."""
GENERIC_BRANDS = frozenset({b"mif1", b"msf1"})
"""Brands of HEIF files, still and animated, of any codec (ISO/IEC 23008-12, annex B)."""
HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}) | GENERIC_BRANDS
"""Brands of HEIF files that contain HEVC, and the generic brands."""
AVIF_BRANDS = frozenset({b"avif", b"avis"})
"""Brands of AVIF files, still and animated (AV1 Image File Format, 6)."""

_UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, OverflowError, LookupError, struct.error)
"""The exceptions that Pillow's parsers raise for damaged files."""

_max_pixels = 50_000_000


def set_max_pixels(pixels: int) -> None:
    """Set the owner's limit on the pixels of a picture or a frame, for this process."""
    global _max_pixels  # noqa: PLW0603  # one limit for the process, like Pillow's own
    _max_pixels = pixels


def max_frame_pixels() -> int:
    """Return the maximum pixels of a video frame."""
    return _max_pixels


def max_picture_pixels() -> int:
    """Return the maximum pixels of a picture: the owner's limit or MAX_RESULT_PIXELS, whichever is larger."""
    return max(_max_pixels, MAX_RESULT_PIXELS)


def open_picture(path: Path, option: str = "image", max_pixels: int | None = None) -> "Image.Image":
    """Open a picture without decoding it. Close it with `with`, and decode it inside `refuse_damage`.

    `max_pixels` defaults to `max_picture_pixels()`. Raises BadInput, naming the `option`, if the header is damaged, and
    TooLarge if the picture has more than `max_pixels`.
    """
    with refuse_damage(option):
        image = _parse(path)
    try:
        check_size(image, option, max_pixels)
    except TooLarge:
        image.close()
        raise
    return image


@contextmanager
def refuse_damage(option: str = "image") -> Iterator[None]:
    """Turn the exceptions that Pillow raises for a damaged file into a BadInput that names the `option`."""
    try:
        yield
    except _UNREADABLE as error:
        raise damage_error(option) from error


def damage_error(option: str = "image") -> BadInput:
    """Return the error for a damaged picture given as `option`."""
    return BadInput("{option} is damaged or incomplete. Attach another copy of the picture.", option=option)


def measure(path: Path) -> tuple[int, int]:
    """Return a picture's width and height in pixels as displayed, with its EXIF orientation applied.

    Nothing is decoded. Raises ValueError if the header is damaged.
    """
    try:
        with _parse(path) as image:
            width, height = image.size
            if min(width, height) <= 0:
                raise ValueError("the picture has no pixels")
            return (height, width) if _is_rotated(image, path) else (width, height)
    except _UNREADABLE as error:
        raise ValueError("the picture's header gives no size") from error


def count_frames(image: "Image.Image") -> int:
    """Return the number of animation frames: 1 for a still picture."""
    return int(getattr(image, "n_frames", 1)) if image.format in ANIMATED_FORMATS else 1


def check_picture(path: Path, option: str, max_pixels: int | None = None) -> None:
    """Check a picture's size and, if it is animated, the number of its frames.

    Raises BadInput, naming the `option`, for a damaged file, and TooLarge for one over the limits.
    """
    with open_picture(path, option, max_pixels) as image:
        with refuse_damage(option):
            frames = count_frames(image)
        check_animation(image.width, image.height, frames, option)


def seek_frame(image: "Image.Image", number: int, option: str = "image") -> None:
    """Seek to a frame. Raises TooLarge if the frame exceeds the limit, since a GIF may grow from frame to frame."""
    image.seek(number)
    check_size(image, option)


def check_size(image: "Image.Image", option: str, max_pixels: int | None = None) -> None:
    """Raise TooLarge if the picture has more than `max_pixels`, by default `max_picture_pixels()`."""
    bound = max_pixels or max_picture_pixels()
    if image.width * image.height > bound:
        raise TooLarge(
            "{option} is {width} x {height} pixels; the limit is {bound:,} in all. Make it smaller.",
            option=option,
            width=image.width,
            height=image.height,
            bound=bound,
        )


def check_animation(width: int, height: int, frames: int, option: str = "image") -> None:
    """Raise TooLarge if an animation has too many frames for their size in pixels."""
    bound = max(1, min(MAX_ANIMATION_FRAMES, MAX_ANIMATION_PIXELS // max(1, width * height)))
    if frames > bound and frames > 1:
        raise TooLarge(
            "{option} has {count:,} frame of {width} x {height} pixels; the limit at that size is {bound:,}."
            " Attach a shorter or smaller one.",
            plural="{option} has {count:,} frames of {width} x {height} pixels; the limit at that size is {bound:,}."
            " Attach a shorter or smaller one.",
            option=option,
            count=frames,
            width=width,
            height=height,
            bound=bound,
        )


def is_heif(head: bytes) -> bool:
    """Return whether a file that begins with `head` is a HEIC, the iPhone's photo format, and not an AVIF."""
    brands = _brands(head)
    return bool(brands) and brands[0] in HEIF_BRANDS and not AVIF_BRANDS & set(brands)


def is_avif(head: bytes) -> bool:
    """Return whether a file that begins with `head` is an AVIF, still or animated."""
    brands = _brands(head)
    return bool(brands) and brands[0] in AVIF_BRANDS | GENERIC_BRANDS and bool(AVIF_BRANDS & set(brands))


def _brands(head: bytes) -> tuple[bytes, ...]:
    """Return the major brand and the compatible brands of an ISO media file, or () for any other file."""
    if head[4:8] != b"ftyp":
        return ()
    end = min(len(head), int.from_bytes(head[:4], "big"))
    return head[8:12], *(head[at : at + 4] for at in range(16, end, 4))


def _parse(path: Path) -> "Image.Image":
    """Open a picture of any size. Pillow's own limit is turned off because its error does not give the size."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with path.open("rb") as file:
        if is_heif(file.read(512)):
            _register_heif()
    return Image.open(path, formats=FORMATS)


def _is_rotated(image: "Image.Image", path: Path) -> bool:
    """Return whether the EXIF orientation swaps width and height.

    Pillow would have to decode a PNG to find EXIF after its pixels, so `exif` reads it from the file.
    """
    from PIL import ExifTags

    if image.format in ("PNG", "WEBP"):
        return exif.is_rotated(path)
    return image.getexif().get(ExifTags.Base.Orientation, exif.UPRIGHT) in exif.QUARTER_TURNS


def _register_heif() -> None:
    """Load libheif, only when a HEIC has to be read. Its own security limits stay on."""
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
