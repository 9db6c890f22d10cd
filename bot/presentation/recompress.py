"""Make a picture fit a platform's limit in bytes: compress it more first, then reduce its size."""

import io
from pathlib import Path

from engine.core.job import Media
from engine.media import files as media
from engine.media.decoding import count_frames, open_picture

QUALITIES = (92, 85, 75, 60)
"""JPEG and WebP qualities that are tried at each size, in this order."""
SHRINK_FACTOR = 0.75
"""Factor from each size to the next."""
MIN_SIDE_PIXELS = 384
"""The longer side of the smallest picture that is tried. A smaller one would show too little."""


def recompress_image(picture: Media, bound: int, folder: Path) -> Media | None:
    """Store the picture in `folder` as a JPEG of at most `bound` bytes, or as a WebP if it has transparency.

    Returns None if it is not a still picture, or if even its smallest version is too large.
    """
    from PIL import Image

    if not picture.mime.startswith("image/"):
        return None
    with open_picture(picture.path) as opened:
        if count_frames(opened) > 1:
            return None
        profile = opened.info.get("icc_profile")
        image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    while max(image.size) >= MIN_SIDE_PIXELS:
        for quality in QUALITIES:
            file = io.BytesIO()
            image.save(file, "WEBP" if image.mode == "RGBA" else "JPEG", quality=quality, icc_profile=profile)
            if file.tell() <= bound:
                return media.keep(file.getvalue(), folder)
        image = image.resize(
            (round(image.width * SHRINK_FACTOR), round(image.height * SHRINK_FACTOR)), Image.Resampling.LANCZOS
        )
    return None
