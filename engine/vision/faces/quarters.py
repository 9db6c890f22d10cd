"""Turn pictures by quarters, because detectors find only upright heads, and map the results back."""

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

QUARTERS = (0, 1, 2, 3)
"""Numbers of counterclockwise quarter turns. Each makes a head upright that is rotated clockwise by the same angle."""
MAX_ROLL_DEGREES = 60.0
"""Maximum roll of a head that counts as upright. Beyond 45 degrees, another quarter turn suits it better."""
UPRIGHT_BONUS = 0.05
"""Added to the score of an upright head, since two quarter turns may find the same head almost equally well."""


def turn_picture(picture: Picture, quarter: int) -> Picture:
    """Return `picture`, uint8 (H, W, 3), turned counterclockwise by `quarter` quarter turns."""
    return np.ascontiguousarray(np.rot90(picture, quarter)) if quarter else picture


def restore_points(points: Values, shape: tuple[int, ...], quarter: int) -> Values:
    """Map points (..., 2) of a turned picture to the picture of `shape`, (H, W, ...), before its turn.

    The middle of the first pixel is at 0, 0.
    """
    height, width = shape[0] - 1, shape[1] - 1
    x, y = points[..., 0], points[..., 1]
    restored = ((x, y), (width - y, x), (width - x, height - y), (y, height - x))[quarter]
    return np.stack(restored, axis=-1).astype(np.float32)


def restore_box(box: Values, shape: tuple[int, ...], quarter: int) -> Values:
    """Map a box (4,), left, top, right and bottom, of a turned picture to the picture before its turn."""
    corners = restore_points(box.reshape(2, 2), shape, quarter)
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def roll_of(left_eye: Values, right_eye: Values) -> float:
    """Return the angle of the line from `left_eye` to `right_eye`, each (2,), in radians clockwise, -pi to pi."""
    across = right_eye - left_eye
    return float(np.arctan2(across[1], across[0]))


def is_upright(left_eye: Values, right_eye: Values) -> bool:
    """Return whether a detected head with these eyes, each (2,), is upright enough to be trusted."""
    return bool(abs(np.degrees(roll_of(left_eye, right_eye))) <= MAX_ROLL_DEGREES)


def quarter_of(roll: float) -> int:
    """Return the number of quarter turns that makes a head with this `roll`, in radians, most nearly upright."""
    return round(roll / (np.pi / 2)) % 4
