"""What a person asks of the portrait's movement, as every painter takes it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AnimationOptions:
    """`lip_zero` shuts the lips first, `eyes` drives the eyes, `stitching` keeps shoulders still."""

    lip_zero: bool
    eyes: bool
    stitching: bool
