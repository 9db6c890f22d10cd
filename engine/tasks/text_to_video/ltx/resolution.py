"""What LTX-Video can make at once: sizes and numbers of frames that its VAE can hold."""

import math

from engine.tasks.film.scripts.script import Shape

SIZES: dict[Shape, tuple[int, int]] = {"square": (640, 640), "wide": (832, 480), "tall": (480, 832)}
"""Width and height in pixels, multiples of 32: a little more than the authors' 704 x 480, in a film's shapes."""
MAX_FRAMES = 257
"""Frames of one part: the model's card says that it is best below that."""


def parts(frames: int, step: int, most: int = MAX_FRAMES) -> list[int]:
    """At least `frames` in parts of about the same length, each a multiple of `step` and one more, at most `most`.

    A part begins with the last frame of the one before, so that one counts once.
    """
    latents = max(1, math.ceil((frames - 1) / step))
    count = math.ceil(latents / ((most - 1) // step))
    return [(latents * (at + 1) // count - latents * at // count) * step + 1 for at in range(count)]
