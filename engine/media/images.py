"""Pictures to be changed: colours, alpha and colour profile apart; nothing else of a file comes along."""

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
"""Bytes of a PNG above which the picture is kept in a smaller format, since chats would refuse it."""
MAX_WEBP_SIDE_PIXELS = 16383
"""Pixels on a side that a WebP has at most."""


@dataclass(frozen=True)
class DecodedImage:
    """`colours` are uint8 (H, W, 3), `alpha` is (H, W) or None where all is opaque; `profile` is the ICC profile."""

    colours: Picture
    alpha: Picture | None = None
    profile: bytes | None = None

    @property
    def pixels(self) -> Picture:
        """(H, W, 3), or (H, W, 4) where it is transparent."""
        return self.colours if self.alpha is None else np.dstack((self.colours, self.alpha))


def read_image(path: Path, option: str = "image") -> DecodedImage:
    """The picture in the file, turned as its EXIF says. Raises BadInput, naming the `option`, for a damaged one, and
    TooLarge.
    """
    from PIL import ImageOps

    with open_picture(path, option) as image, refuse_damage(option):
        turned = ImageOps.exif_transpose(image)
        check_size(turned, option)  # libheif may decode to another size than the header's
        return decode_image(turned)


def decode_image(image: "Image.Image") -> DecodedImage:
    """A picture of any mode in 8 bits a channel. RGB keeps its profile; grey and CMYK go through theirs to sRGB."""
    profile = image.info.get("icc_profile")
    image = _eight_bits(image)
    alpha = _alpha(image)
    if image.mode == "CMYK":
        return DecodedImage(np.asarray(colour.convert_to_srgb(image, profile)))
    if image.mode in ("1", "L", "LA"):
        return DecodedImage(np.asarray(colour.convert_to_srgb(image.convert("L"), profile)), alpha)
    kept = profile if colour.is_usable(profile, "RGB") else None
    image = image.convert("RGBA") if image.mode == "P" else image  # Pillow warns of transparent palettes otherwise
    return DecodedImage(np.asarray(image.convert("RGB")), alpha, kept)


def to_srgb(made: DecodedImage) -> DecodedImage:
    """The picture with the colours that its profile means."""
    from PIL import Image

    if made.profile is None:
        return made
    converted = colour.convert_to_srgb(Image.fromarray(made.colours), made.profile)
    return DecodedImage(np.asarray(converted), made.alpha)


def flatten_on_white(made: DecodedImage) -> Picture:
    """(H, W, 3): the picture as it is seen on white paper."""
    if made.alpha is None:
        return made.colours
    share = made.alpha[..., None].astype(np.uint16)
    mixed = made.colours * share + 255 * (255 - share)
    return ((mixed + 127) // 255).astype(np.uint8)


def _alpha(image: "Image.Image") -> Picture | None:
    if not image.has_transparency_data:
        return None
    alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    return None if alpha.min() == 255 else alpha


def encode(made: DecodedImage, kind: str, **options: object) -> bytes:
    """The picture in a format of Pillow's, with its colour profile."""
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(made.pixels).save(held, kind, icc_profile=made.profile, **options)
    return held.getvalue()


def encode_for_chat(made: DecodedImage) -> tuple[bytes, tuple[UserMessage, ...]]:
    """The picture as a PNG, or in a smaller format where that is too large for chats, which the note then says."""
    body = png.encode(made.pixels, made.profile)
    if len(body) <= MAX_PNG_BYTES or max(made.colours.shape) > MAX_WEBP_SIDE_PIXELS:
        return body, ()
    kind = "JPEG" if made.alpha is None else "WEBP"
    told = "Kept as {format}, since as PNG it has {size} MB, more than chats take."
    note = UserMessage(template=told, facts={"format": kind, "size": round(len(body) / 1e6)})
    more = {"quality": 93, "subsampling": 0} if kind == "JPEG" else {"quality": 92, "method": 2}
    return encode(made, kind, **more), (note,)


def _eight_bits(image: "Image.Image") -> "Image.Image":
    """Pillow's own conversion cuts 16 bits and floats off at 255."""
    from PIL import Image

    if image.mode[0] not in "IF":
        return image
    levels = np.asarray(image, np.float64)
    top = 65535 if image.mode.startswith("I") else max(float(levels.max()), 1.0)
    return Image.fromarray((levels.clip(0, top) * (255 / top)).round().astype(np.uint8))
