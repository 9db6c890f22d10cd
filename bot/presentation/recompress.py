"""A picture made to fit a platform's bound in bytes: first by a stronger compression, then by a smaller size."""

import io
from pathlib import Path

from engine.core.job import Media
from engine.media import files as media
from engine.media.decoding import count_frames, open_picture

QUALITIES = (92, 85, 75, 60)
SHRINK_FACTOR = 0.75
MIN_SIDE_PIXELS = 384
"""Pixels: below that a picture is another one, and is not made."""


def recompress_image(picture: Media, bound: int, folder: Path) -> Media | None:
    """The picture as a JPEG, or as a WebP where it is transparent, of at most `bound` bytes, kept in `folder`.

    None for what is no still picture, and where even the smallest is too large.
    """
    from PIL import Image

    if not picture.mime.startswith("image/"):
        return None
    with open_picture(picture.path) as opened:
        if count_frames(opened) > 1:
            return None
        profile = opened.info.get("icc_profile")
        whole = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    while max(whole.size) >= MIN_SIDE_PIXELS:
        for quality in QUALITIES:
            file = io.BytesIO()
            whole.save(file, "WEBP" if whole.mode == "RGBA" else "JPEG", quality=quality, icc_profile=profile)
            if file.tell() <= bound:
                return media.keep(file.getvalue(), folder)
        whole = whole.resize(
            (round(whole.width * SHRINK_FACTOR), round(whole.height * SHRINK_FACTOR)), Image.Resampling.LANCZOS
        )
    return None
