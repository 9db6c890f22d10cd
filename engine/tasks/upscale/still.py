"""Enlarges a still picture and its alpha channel."""

import numpy as np
from numpy.typing import NDArray

from engine.core.progress import OnStep, subrange
from engine.media.images import DecodedImage
from engine.tasks.upscale.realesrgan.fidelity import enlarge_faithfully
from engine.tasks.upscale.tile_planner import Upscale

Picture = NDArray[np.uint8]

BLEED_PIXELS = 8
"""Input pixels by which colours extend under transparent areas, so that no fringe appears."""


def upscale_still(small: DecodedImage, size: tuple[int, int], enlarge: Upscale, on_step: OnStep) -> DecodedImage:
    """Return the picture at `size`, (height, width)."""
    if small.alpha is None:
        return DecodedImage(enlarge_faithfully(small.colours, size, enlarge, on_step), None, small.profile)
    colours = enlarge_faithfully(_bleed_colours(small.colours, small.alpha), size, enlarge, subrange(on_step, 0, 2))
    alpha = _alpha(small.alpha, size, enlarge, subrange(on_step, 1, 2))
    return DecodedImage(colours, alpha, small.profile)


def _bleed_colours(colours: Picture, alpha: Picture) -> Picture:
    """Fill fully transparent areas with nearby colours: a file may hold anything there."""
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
    """Enlarge the alpha channel as sharply as the colours. Fully opaque or transparent surroundings stay so."""
    from PIL import Image

    network = enlarge_faithfully(np.repeat(alpha[..., None], 3, axis=2), size, enlarge, on_step)[..., 1]
    plain = np.asarray(Image.fromarray(alpha).resize(size[::-1], Image.Resampling.BICUBIC))
    return np.where((plain == 0) | (plain == 255), plain, network)
