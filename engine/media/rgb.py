"""Read pictures as sRGB arrays, uint8 (H, W, 3), and write previews. NumPy and Pillow load on first use."""

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
"""Maximum length of a preview's longer side."""


def load_rgb(path: Path, option: str = "image") -> "Picture":
    """Return the picture in sRGB, uint8 (H, W, 3), upright by its EXIF and blended over white if transparent.

    Raises BadInput, naming the `option`, for a damaged file, and TooLarge.
    """
    from engine.media import images  # loads NumPy

    return images.flatten_on_white(images.to_srgb(images.read_image(path, option)))


def preview(picture: "Picture", path: Path) -> Media:
    """Write a small WebP of the picture, uint8 (H, W, 3), to `path`, to be shown while the job runs."""
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((PREVIEW_SIDE_PIXELS, PREVIEW_SIDE_PIXELS))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=70, method=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return Media(
        path=path,
        mime="image/webp",
        sha256=hashlib.sha256(buffer.getvalue()).hexdigest(),
        bytes=buffer.tell(),
        width=image.width,
        height=image.height,
    )
