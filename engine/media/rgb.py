"""Pictures as arrays, uint8 (H, W, 3), to and from files. NumPy and Pillow load when a picture is there."""

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.job import Media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

PREVIEW_SIDE_PIXELS = 512
"""Pixels that the longer side of a preview may have."""


def load_rgb(path: Path, option: str = "image") -> "Picture":
    """The picture in the file in sRGB: turned as its EXIF says, on white where it is transparent.

    Raises BadInput, naming the `option`, where it is damaged, and TooLarge.
    """
    from engine.media import images  # loads NumPy

    return images.flatten_on_white(images.to_srgb(images.read_image(path, option)))


def preview(picture: "Picture", path: Path) -> Media:
    """A small WebP at `path`, to look at while the job runs."""
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((PREVIEW_SIDE_PIXELS, PREVIEW_SIDE_PIXELS))
    held = io.BytesIO()
    image.save(held, "WEBP", quality=70, method=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(held.getvalue())
    return Media(
        path=path,
        mime="image/webp",
        sha256=hashlib.sha256(held.getvalue()).hexdigest(),
        bytes=held.tell(),
        width=image.width,
        height=image.height,
    )
