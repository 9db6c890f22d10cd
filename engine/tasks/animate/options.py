"""The animation options that every portrait animator takes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AnimationOptions:
    """`lip_zero` shuts the lips first, `eyes` animates the eyes, `stitching` keeps the shoulders still."""

    lip_zero: bool
    eyes: bool
    stitching: bool
