"""Photos that show a picture in the chat while the picture itself is sent as a file.

Telegram stores photos as JPEG of at most 2560 pixels a side and drops their transparency:
https://core.telegram.org/api/files#image-thumbnail-types.
"""

import io
from typing import TYPE_CHECKING

from engine.core.job import Media
from engine.media.decoding import open_picture, refuse_damage

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE_PIXELS = 2560
"""The longer side up to which Telegram keeps a photo's size."""
PREVIEW_SIDE_PIXELS, PREVIEW_QUALITY = 1280, 90
"""The longer side of a preview, and its JPEG quality."""
OPAQUE = 255
"""The alpha value of a pixel without transparency."""
SQUARE_PIXELS = 16
"""Side of the squares that stand for transparency."""
LIGHT, DARK = (255, 255, 255), (204, 204, 204)
"""The colours of these squares."""


def loses_as_photo(media: Media) -> bool:
    """Return whether Telegram would shrink the picture or drop its transparency. Blocks: it may decode the picture."""
    if max(media.width or 0, media.height or 0) > MAX_SIDE_PIXELS:
        return True
    with open_picture(media.path) as picture, refuse_damage("image"):
        return picture.has_transparency_data and _has_clear_pixels(picture)


def _has_clear_pixels(picture: "Image.Image") -> bool:
    darkest, _ = picture.convert("RGBA").getchannel("A").getextrema()
    return not isinstance(darkest, tuple) and darkest < OPAQUE


def render_preview(media: Media) -> bytes:
    """Return the picture as a small JPEG, with squares where it is transparent. Blocks while it decodes."""
    with open_picture(media.path) as picture, refuse_damage("image"):
        picture.draft("RGB", (PREVIEW_SIDE_PIXELS, PREVIEW_SIDE_PIXELS))
        small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    small.thumbnail((PREVIEW_SIDE_PIXELS, PREVIEW_SIDE_PIXELS))
    file = io.BytesIO()
    _flatten(small).save(file, "JPEG", quality=PREVIEW_QUALITY)
    return file.getvalue()


def _flatten(picture: "Image.Image") -> "Image.Image":
    """Return the picture without transparency, on a board of light and dark squares."""
    from PIL import Image

    if picture.mode == "RGB":
        return picture
    columns, rows = (-(-side // SQUARE_PIXELS) for side in picture.size)
    squares = bytes(channel for y in range(rows) for x in range(columns) for channel in (LIGHT, DARK)[(x + y) % 2])
    board = Image.frombytes("RGB", (columns, rows), squares)
    board = board.resize((columns * SQUARE_PIXELS, rows * SQUARE_PIXELS), Image.Resampling.NEAREST)
    board = board.crop((0, 0, *picture.size))
    board.paste(picture, mask=picture.getchannel("A"))
    return board
