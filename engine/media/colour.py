"""Convert pictures to sRGB through their ICC profiles (ICC.1:2022, relative colorimetric intent)."""

import io
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from PIL import Image, ImageCms

log = structlog.get_logger()

ICC_SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY"}
"""ICC's name of the colour space that a profile must have, by the picture's mode in Pillow."""


def is_usable(profile: bytes | None, mode: str) -> bool:
    """Return whether the profile is readable and describes pictures of Pillow's `mode`: RGB, CMYK or L."""
    return _parse(profile, mode) is not None


def convert_to_srgb(image: "Image.Image", profile: bytes | None) -> "Image.Image":
    """Convert a picture of mode RGB, CMYK or L to sRGB and return it in mode RGB.

    A profile that is unreadable or has another colour space is ignored. White stays white, and a grey picture stays
    neutral: its red, green and blue values are equal.
    """
    from PIL import Image, ImageCms

    parsed = _parse(profile, image.mode)
    if parsed is None:
        return image.convert("RGB")
    try:
        converted = ImageCms.profileToProfile(
            image, parsed, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB"
        )
    except ImageCms.PyCMSError as error:
        log.info("ignoring an ICC profile that cannot be applied", why=str(error))
        return image.convert("RGB")
    assert converted is not None, "only a conversion in place returns None"
    return Image.merge("RGB", [converted.getchannel("G")] * 3) if image.mode == "L" else converted


def _parse(profile: bytes | None, mode: str) -> "ImageCms.ImageCmsProfile | None":
    from PIL import ImageCms

    if not profile:
        return None
    try:
        parsed = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except OSError as error:
        log.info("ignoring an unreadable ICC profile", why=str(error))
        return None
    return parsed if parsed.profile.xcolor_space.strip() == ICC_SPACES[mode] else None
