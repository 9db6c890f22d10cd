"""Pictures as they are enlarged: colours, alpha and colour profile apart; nothing else of a file comes along."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.backends.realesrgan.enlarger import Enlarger
from engine.backends.realesrgan.steps import OnStep, part
from engine.errors import BadInput

if TYPE_CHECKING:
    from PIL import Image

Picture = NDArray[np.uint8]

BLEED = 8
"""Pixels at the input's size over which colours reach under what is transparent, so that no fringe grows there."""


@dataclass(frozen=True)
class Still:
    """`colours` are uint8 (H, W, 3), `alpha` is (H, W) or None where all is opaque; `profile` is the ICC profile."""

    colours: Picture
    alpha: Picture | None = None
    profile: bytes | None = None

    @property
    def pixels(self) -> Picture:
        """(H, W, 3), or (H, W, 4) where it is transparent."""
        return self.colours if self.alpha is None else np.dstack((self.colours, self.alpha))


def read(path: Path) -> Still:
    """The picture in the file, turned as its EXIF says. Raises BadInput for a damaged one."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            return still(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise damaged() from error


def damaged() -> BadInput:
    return BadInput("{option} is damaged: it cannot be read to its end. Attach another picture.", option="image")


def still(image: "Image.Image") -> Still:
    """A picture of any mode in 8 bits a channel."""
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA", "P") else None
    image = _eight_bits(image)
    if not image.has_transparency_data:
        return Still(np.asarray(image.convert("RGB")), None, profile)
    pixels = np.asarray(image.convert("RGBA"))
    alpha = pixels[..., 3]
    return Still(pixels[..., :3], None if alpha.min() == 255 else alpha, profile)


def enlarged(small: Still, size: tuple[int, int], enlarge: Enlarger, on_step: OnStep) -> Still:
    """The same picture at `size`, (height, width)."""
    if small.alpha is None:
        return Still(enlarge(small.colours, size, on_step), None, small.profile)
    colours = enlarge(_bled(small.colours, small.alpha), size, part(on_step, 0, 2))
    alpha = _alpha(small.alpha, size, enlarge, part(on_step, 1, 2))
    return Still(colours, alpha, small.profile)


def encoded(made: Still, kind: str, **options: object) -> bytes:
    """The picture in a format of Pillow's, with its colour profile."""
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(made.pixels).save(held, kind, icc_profile=made.profile, **options)
    return held.getvalue()


def _eight_bits(image: "Image.Image") -> "Image.Image":
    """Pillow's own conversion cuts 16 bits and floats off at 255."""
    from PIL import Image

    if image.mode[0] not in "IF":
        return image
    levels = np.asarray(image, np.float64)
    top = 65535 if image.mode.startswith("I") else max(float(levels.max()), 1.0)
    return Image.fromarray((levels.clip(0, top) * (255 / top)).round().astype(np.uint8))


def _bled(colours: Picture, alpha: Picture) -> Picture:
    """Under what is wholly transparent, the colours of what is near and is not; a file may have anything there."""
    from PIL import Image, ImageFilter

    weight = alpha.astype(np.float32)[..., None] / 255
    spread = [
        np.asarray(Image.fromarray((colours * weight).round().astype(np.uint8)).filter(ImageFilter.BoxBlur(BLEED))),
        np.asarray(Image.fromarray(alpha).filter(ImageFilter.BoxBlur(BLEED)))[..., None],
    ]
    near = np.where(spread[1] > 0, spread[0] / np.maximum(spread[1], 1) * 255, spread[0])
    return np.where(alpha[..., None] > 0, colours, near.clip(0, 255).astype(np.uint8))


def _alpha(alpha: Picture, size: tuple[int, int], enlarge: Enlarger, on_step: OnStep) -> Picture:
    """Edges as sharp as the colours'; what is wholly opaque or transparent around stays just that."""
    from PIL import Image

    network = enlarge(np.repeat(alpha[..., None], 3, axis=2), size, on_step)[..., 1]
    plain = np.asarray(Image.fromarray(alpha).resize(size[::-1], Image.Resampling.BICUBIC))
    return np.where((plain == 0) | (plain == 255), plain, network)
