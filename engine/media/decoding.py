"""The one place where a picture's file is opened, within bounds that hold for the pixels that are decoded.

Pillow reads the size, and Pillow's decoders write into a buffer of that very size, so no header can claim one size and
decode to another. A second parser may be told another size by the same bytes: a JPEG with data after FF 00, or a GIF
whose frame is larger than its screen. The size is therefore checked here, after opening and after every seek, and
before anything is decoded.
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
"""Pillow's names of the formats that are read. None of its other parsers sees a file."""
ANIMATED_FORMATS = ("PNG", "WEBP", "GIF", "AVIF")
"""Formats whose further pictures are frames. In a JPEG or a HEIC they are other views of the same photo."""
MAX_RESULT_PIXELS = 8192 * 8192
"""Pixels of the largest picture that is made here. Whatever the owner's bound, our own results can be read again."""
MAX_ANIMATION_FRAMES = 3000
MAX_ANIMATION_PIXELS = 400_000_000
"""Pixels of all frames of an animation together."""
HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""Brands of HEIF files that hold HEVC (ISO/IEC 23008-12, annex B), and the two general ones."""

_UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, OverflowError, LookupError, struct.error)
"""What Pillow's parsers raise for damaged files."""

_max_pixels = 50_000_000


def set_max_pixels(pixels: int) -> None:
    """Set the owner's bound on the pixels of a picture or a frame, for this process."""
    global _max_pixels  # noqa: PLW0603  # one bound for the process, as Pillow's own is
    _max_pixels = pixels


def max_frame_pixels() -> int:
    """Return the pixels that a frame of a video may have."""
    return _max_pixels


def max_picture_pixels() -> int:
    """Return the pixels that a picture may have: the owner's bound, or a result's where that is larger."""
    return max(_max_pixels, MAX_RESULT_PIXELS)


def open_picture(path: Path, option: str = "image", max_pixels: int | None = None) -> "Image.Image":
    """Open a picture, to be closed by `with`. Nothing of it is decoded yet: do that within `refuse_damage`.

    `max_pixels` is `max_picture_pixels()` by default. Raises BadInput, naming the `option`, where the header is
    damaged, and TooLarge where the picture has more than `max_pixels`.
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
    """Turn what Pillow raises while it decodes a damaged file into BadInput that names the `option`."""
    try:
        yield
    except _UNREADABLE as error:
        raise damage_error(option) from error


def damage_error(option: str = "image") -> BadInput:
    return BadInput("{option} is damaged: it cannot be read to its end. Attach another picture.", option=option)


def measure(path: Path) -> tuple[int, int]:
    """Return a picture's width and height as it is seen, turned as its EXIF says.

    Nothing is decoded. Raises ValueError where the header is damaged.
    """
    try:
        with _parse(path) as image:
            width, height = image.size
            if min(width, height) <= 0:
                raise ValueError("the picture has no pixels")
            return (height, width) if _is_turned(image, path) else (width, height)
    except _UNREADABLE as error:
        raise ValueError("the picture's header gives no size") from error


def count_frames(image: "Image.Image") -> int:
    """Return the number of frames that are shown one after the other: 1 for a still picture."""
    return int(getattr(image, "n_frames", 1)) if image.format in ANIMATED_FORMATS else 1


def check_picture(path: Path, option: str, max_pixels: int | None = None) -> None:
    """Check a picture and, where it is animated, all of its frames. Raises BadInput and TooLarge."""
    with open_picture(path, option, max_pixels) as image:
        with refuse_damage(option):
            frames = count_frames(image)
        check_animation(image.width, image.height, frames, option)


def seek_frame(image: "Image.Image", number: int, option: str = "image") -> None:
    """Go to a frame. Raises TooLarge where the picture grew beyond the bound, as frames of a GIF can make it."""
    image.seek(number)
    check_size(image, option)


def check_size(image: "Image.Image", option: str, max_pixels: int | None = None) -> None:
    """Raises TooLarge where the picture has more than `max_pixels`."""
    bound = max_pixels or max_picture_pixels()
    if image.width * image.height > bound:
        raise TooLarge(
            "{option} is {width} x {height} pixels; at most {bound} pixels are allowed. Make it smaller.",
            option=option,
            width=image.width,
            height=image.height,
            bound=bound,
        )


def check_animation(width: int, height: int, frames: int, option: str = "image") -> None:
    """Check what all frames of an animation are together. Raises TooLarge."""
    bound = max(1, min(MAX_ANIMATION_FRAMES, MAX_ANIMATION_PIXELS // max(1, width * height)))
    if frames > bound and frames > 1:
        raise TooLarge(
            "{option} has {frames} frames of {width} x {height} pixels; at most {bound} such frames are allowed."
            " Attach a shorter or a smaller one.",
            option=option,
            frames=frames,
            width=width,
            height=height,
            bound=bound,
        )


def is_heif(head: bytes) -> bool:
    """Whether a file that begins with `head` is a HEIC, as iPhones take photos, and no AVIF."""
    if head[4:8] != b"ftyp":
        return False
    brands = head[8:12], *(head[at : at + 4] for at in range(16, min(len(head), int.from_bytes(head[:4], "big")), 4))
    return brands[0] in HEIF_BRANDS and not {b"avif", b"avis"} & set(brands)


def _parse(path: Path) -> "Image.Image":
    """Open a picture of any size. Pillow's own bound is off, since it does not say how large the picture is."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with path.open("rb") as file:
        if is_heif(file.read(512)):
            _register_heif()
    return Image.open(path, formats=FORMATS)


def _is_turned(image: "Image.Image", path: Path) -> bool:
    """Return whether its width is shown as its height. Pillow finds EXIF after a PNG's pixels only by decoding them."""
    from PIL import ExifTags

    if image.format in ("PNG", "WEBP"):
        return exif.is_rotated(path)
    return image.getexif().get(ExifTags.Base.Orientation, exif.UPRIGHT) in exif.ON_THEIR_SIDE


def _register_heif() -> None:
    """Load libheif only where there is a HEIC. Its own security limits stay on."""
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
