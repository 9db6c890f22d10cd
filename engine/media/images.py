"""Decode pictures into colours, alpha and colour profile, and encode them again without any other metadata."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import UserMessage
from engine.media import colour, png
from engine.media.decoding import check_size, open_picture, refuse_damage

if TYPE_CHECKING:
    from PIL import Image

Picture = NDArray[np.uint8]

MAX_PNG_BYTES = 8_000_000
"""Maximum size of a PNG result. A larger picture is saved in a smaller format, because chats would reject it."""
MAX_WEBP_SIDE_PIXELS = 16383
"""Maximum width or height of a WebP."""


@dataclass(frozen=True)
class DecodedImage:
    """A picture: `colours` uint8 (H, W, 3), `alpha` uint8 (H, W) or None if opaque, and the ICC `profile` if any."""

    colours: Picture
    alpha: Picture | None = None
    profile: bytes | None = None

    @property
    def pixels(self) -> Picture:
        """Return the colours with the alpha channel, if any: uint8 (H, W, 3) or (H, W, 4)."""
        return self.colours if self.alpha is None else np.dstack((self.colours, self.alpha))


def read_image(path: Path, option: str = "image") -> DecodedImage:
    """Return the picture in the file with its EXIF orientation applied.

    Raises BadInput, naming the `option`, for a damaged file, and TooLarge.
    """
    from PIL import ImageOps

    with open_picture(path, option) as image, refuse_damage(option):
        turned = ImageOps.exif_transpose(image)
        check_size(turned, option)  # libheif may decode to another size than the header's
        return decode_image(turned)


def decode_image(image: "Image.Image") -> DecodedImage:
    """Convert a picture of any Pillow mode to 8 bits per channel.

    An RGB picture keeps its ICC profile. Grey and CMYK pictures are converted to sRGB through theirs.
    """
    profile = image.info.get("icc_profile")
    image = _to_8_bits(image)
    alpha = _extract_alpha(image)
    if image.mode == "CMYK":
        return DecodedImage(np.asarray(colour.convert_to_srgb(image, profile)))
    if image.mode in ("1", "L", "LA"):
        return DecodedImage(np.asarray(colour.convert_to_srgb(image.convert("L"), profile)), alpha)
    kept = profile if colour.is_usable(profile, "RGB") else None
    image = image.convert("RGBA") if image.mode == "P" else image  # Pillow warns of transparent palettes otherwise
    return DecodedImage(np.asarray(image.convert("RGB")), alpha, kept)


def to_srgb(picture: DecodedImage) -> DecodedImage:
    """Convert the picture from its ICC profile to sRGB. A picture without a profile is returned unchanged."""
    from PIL import Image

    if picture.profile is None:
        return picture
    converted = colour.convert_to_srgb(Image.fromarray(picture.colours), picture.profile)
    return DecodedImage(np.asarray(converted), picture.alpha)


def flatten_on_white(picture: DecodedImage) -> Picture:
    """Return the picture blended over white, uint8 (H, W, 3)."""
    if picture.alpha is None:
        return picture.colours
    alpha = picture.alpha[..., None].astype(np.uint16)
    blended = picture.colours * alpha + 255 * (255 - alpha)
    return ((blended + 127) // 255).astype(np.uint8)


def _extract_alpha(image: "Image.Image") -> Picture | None:
    if not image.has_transparency_data:
        return None
    alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    return None if alpha.min() == 255 else alpha


def encode(picture: DecodedImage, kind: str, **options: object) -> bytes:
    """Encode the picture with its colour profile. `kind` is Pillow's name of the format, and `options` are Pillow's."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture.pixels).save(buffer, kind, icc_profile=picture.profile, **options)
    return buffer.getvalue()


def encode_for_chat(picture: DecodedImage) -> tuple[bytes, tuple[UserMessage, ...]]:
    """Encode the picture as a PNG of at most MAX_PNG_BYTES, or else as a JPEG or WebP with a note for the user."""
    body = png.encode(picture.pixels, picture.profile)
    if len(body) <= MAX_PNG_BYTES or max(picture.colours.shape) > MAX_WEBP_SIDE_PIXELS:
        return body, ()
    kind = "JPEG" if picture.alpha is None else "WEBP"
    note = UserMessage(
        template="Saved as {format}: as a PNG it would be {size:bytes}, too large for chats.",
        facts={"format": kind, "size": len(body)},
    )
    del body  # hundreds of megabytes for the largest pictures
    more = {"quality": 93, "subsampling": 0} if kind == "JPEG" else {"quality": 92, "method": 2}
    return encode(picture, kind, **more), (note,)


def _to_8_bits(image: "Image.Image") -> "Image.Image":
    """Scale 16-bit and float pictures to 8 bits. Pillow's own conversion clips them at 255."""
    from PIL import Image

    if image.mode[0] not in "IF":
        return image
    levels = np.asarray(image, np.float64)
    top = 65535 if image.mode.startswith("I") else max(float(levels.max()), 1.0)
    return Image.fromarray((levels.clip(0, top) * (255 / top)).round().astype(np.uint8))
