"""A still picture enlarged, its alpha too."""

import numpy as np
from numpy.typing import NDArray

from engine.core.progress import OnStep, subrange
from engine.media.images import DecodedImage
from engine.tasks.upscale.realesrgan.fidelity import enlarge_faithfully
from engine.tasks.upscale.tile_planner import Upscale

Picture = NDArray[np.uint8]

BLEED_PIXELS = 8
"""Pixels at the input's size over which colours reach under what is transparent, so that no fringe grows there."""


def upscale_still(small: DecodedImage, size: tuple[int, int], enlarge: Upscale, on_step: OnStep) -> DecodedImage:
    """The same picture at `size`, (height, width)."""
    if small.alpha is None:
        return DecodedImage(enlarge_faithfully(small.colours, size, enlarge, on_step), None, small.profile)
    colours = enlarge_faithfully(_bleed_colours(small.colours, small.alpha), size, enlarge, subrange(on_step, 0, 2))
    alpha = _alpha(small.alpha, size, enlarge, subrange(on_step, 1, 2))
    return DecodedImage(colours, alpha, small.profile)


def _bleed_colours(colours: Picture, alpha: Picture) -> Picture:
    """Under what is wholly transparent, the colours of what is near and is not; a file may have anything there."""
    from PIL import Image, ImageFilter

    weight = alpha.astype(np.float32)[..., None] / 255
    spread = [
        np.asarray(
            Image.fromarray((colours * weight).round().astype(np.uint8)).filter(ImageFilter.BoxBlur(BLEED_PIXELS))
        ),
        np.asarray(Image.fromarray(alpha).filter(ImageFilter.BoxBlur(BLEED_PIXELS)))[..., None],
    ]
    near = np.where(spread[1] > 0, spread[0] / np.maximum(spread[1], 1) * 255, spread[0])
    return np.where(alpha[..., None] > 0, colours, near.clip(0, 255).astype(np.uint8))


def _alpha(alpha: Picture, size: tuple[int, int], enlarge: Upscale, on_step: OnStep) -> Picture:
    """Edges as sharp as the colours'; what is wholly opaque or transparent around stays just that."""
    from PIL import Image

    network = enlarge_faithfully(np.repeat(alpha[..., None], 3, axis=2), size, enlarge, on_step)[..., 1]
    plain = np.asarray(Image.fromarray(alpha).resize(size[::-1], Image.Resampling.BICUBIC))
    return np.where((plain == 0) | (plain == 255), plain, network)
