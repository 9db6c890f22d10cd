"""Keeps what a network must not change: grey, pure black and white, and the colours of small pictures.

The networks see zeros around a picture and shift colours by a few levels. In a picture of a few pixels little else
is left.
"""

import numpy as np
from numpy.typing import NDArray

from engine.core.progress import OnStep
from engine.tasks.upscale.tile_planner import Upscale, bicubic

Picture = NDArray[np.uint8]

SMALL_SIDE = 24
"""Shorter side in pixels below which a picture is padded with its own border and its colours are corrected."""
SURE_REACH = 3
"""Side in pixels of the square that must be white for its centre to stay white; likewise for black."""


def enlarge_faithfully(picture: Picture, size: tuple[int, int], enlarge: Upscale, on_step: OnStep) -> Picture:
    """Enlarge uint8 (H, W, 3) to `size`, (height, width), by `enlarge`."""
    if enlarge is bicubic:
        return enlarge(picture, size, on_step)  # interpolation changes none of this
    small = min(picture.shape[:2]) < SMALL_SIDE
    made = _enlarge_small(picture, size, enlarge, on_step) if small else enlarge(picture, size, on_step)
    if is_grey(picture):
        made = _desaturate(made)
    return _keep_extremes(picture, made)


def is_grey(picture: Picture) -> bool:
    """Return whether red, green and blue are the same in every pixel."""
    red = picture[..., 0]
    return np.array_equal(red, picture[..., 1]) and np.array_equal(red, picture[..., 2])


def _enlarge_small(picture: Picture, size: tuple[int, int], enlarge: Upscale, on_step: OnStep) -> Picture:
    """Enlarge with the border repeated around the picture, so that the network sees no zeros near it."""
    height, width = picture.shape[:2]
    edges = [max(0, SMALL_SIDE - side + 1) // 2 + SMALL_SIDE // 4 for side in (height, width)]
    padded = np.pad(picture, ((edges[0],) * 2, (edges[1],) * 2, (0, 0)), mode="edge")
    scales = size[0] / height, size[1] / width
    whole = tuple(round(side * scale) for side, scale in zip(padded.shape, scales, strict=False))
    top, left = (round(edge * scale) for edge, scale in zip(edges, scales, strict=True))
    made = enlarge(padded, (max(whole[0], top + size[0]), max(whole[1], left + size[1])), on_step)
    return _with_colours_of(picture, made[top : top + size[0], left : left + size[1]])


def _with_colours_of(picture: Picture, made: Picture) -> Picture:
    """Add to `made` the difference between `picture` and a shrunk `made`."""
    import cv2

    height, width = picture.shape[:2]
    seen = cv2.resize(made, (width, height), interpolation=cv2.INTER_AREA).reshape(picture.shape)
    lacking = cv2.resize(picture.astype(np.float32) - seen, made.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    levels: Picture = np.clip(made + lacking.reshape(made.shape) + 0.5, 0, 255).astype(np.uint8)
    return levels


def _desaturate(picture: Picture) -> Picture:
    import cv2

    return np.repeat(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def _keep_extremes(picture: Picture, made: Picture) -> Picture:
    """Restore white and black that are only a level or two off."""
    for level, extreme in ((255, picture.min(axis=2)), (0, picture.max(axis=2))):
        sure = _enlarged_mask(extreme == level, made.shape[:2])
        if sure is not None:
            made = made.copy() if not made.flags.writeable else made
            made[sure] = level
    return made


def _enlarged_mask(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Return, at `size`, where all surrounding pixels are in `mask`, or None if that is nowhere."""
    import cv2

    if not mask.any():
        return None
    kernel = np.ones((SURE_REACH, SURE_REACH), np.uint8)
    inner = cv2.erode(mask.astype(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE)
    if not inner.any():
        return None
    enlarged: NDArray[np.uint8] = cv2.resize(inner, size[::-1], interpolation=cv2.INTER_NEAREST)
    return enlarged.view(np.bool_)  # of 0 and 1, without a copy
