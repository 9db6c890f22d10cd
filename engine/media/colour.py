"""Colours as the screen shows them: through a picture's ICC profile to sRGB (ICC.1:2022, relative colorimetric)."""

import io
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from PIL import Image, ImageCms

log = structlog.get_logger()

SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY"}
"""The colour space that a profile must be of, as ICC calls it, by Pillow's mode of the picture."""


def is_usable(profile: bytes | None, mode: str) -> bool:
    """Return whether the profile can be read and is one of pictures of Pillow's `mode`: RGB, CMYK or L."""
    return _parse(profile, mode) is not None


def convert_to_srgb(image: "Image.Image", profile: bytes | None) -> "Image.Image":
    """Return a picture of mode RGB, CMYK or L in sRGB, as RGB.

    A profile that cannot be read, or is of another colour space, says nothing of the picture and is left out. White
    stays white, and grey becomes grey: red, green and blue are the same.
    """
    from PIL import Image, ImageCms

    parsed = _parse(profile, image.mode)
    if parsed is None:
        return image.convert("RGB")
    try:
        made = ImageCms.profileToProfile(
            image, parsed, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB"
        )
    except ImageCms.PyCMSError as error:
        log.info("an ICC profile is not followed", why=str(error))
        return image.convert("RGB")
    assert made is not None, "only a conversion in place returns nothing"
    return Image.merge("RGB", [made.getchannel("G")] * 3) if image.mode == "L" else made


def _parse(profile: bytes | None, mode: str) -> "ImageCms.ImageCmsProfile | None":
    from PIL import ImageCms

    if not profile:
        return None
    try:
        parsed = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except OSError as error:
        log.info("an ICC profile cannot be read", why=str(error))
        return None
    return parsed if parsed.profile.xcolor_space.strip() == SPACES[mode] else None
