"""Sizes and numbers of frames that LTX-Video can generate at once."""

import math

from engine.tasks.film.scripts.script import Shape

SIZES: dict[Shape, tuple[int, int]] = {"square": (640, 640), "wide": (832, 480), "tall": (480, 832)}
"""Width and height in pixels, multiples of 32: slightly over the authors' 704 x 480, in a film's shapes."""
MAX_FRAMES = 257
"""Most frames in one part. The model card recommends fewer than that."""


def parts(frames: int, step: int, most: int = MAX_FRAMES) -> list[int]:
    """Split at least `frames` frames into parts of about equal length, each a multiple of `step` plus one, at most
    `most`.

    A part begins with the last frame of the previous one, which counts once.
    """
    latents = max(1, math.ceil((frames - 1) / step))
    count = math.ceil(latents / ((most - 1) // step))
    return [(latents * (at + 1) // count - latents * at // count) * step + 1 for at in range(count)]
