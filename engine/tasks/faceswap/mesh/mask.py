"""Masks of a face: the convex hull of its points, less what should remain of the target's."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vision.faces.face import LEFT_EYE, LIPS, MOUTH, OVAL, RIGHT_EYE

Values = NDArray[np.float32]

BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
"""Points around the brows."""


MIDDLE = (
    *(10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 164, 0, 11, 12, 13),
    *(14, 15, 16, 17, 18, 200, 199, 175, 152),
)
"""Points down the middle of the face from the forehead to the chin."""


def outline(points: Values, shape: tuple[int, int], scale: float) -> Values:
    """Return (H, W), 1 inside the convex hull of points (N, 2) scaled by `scale`, 0 outside."""
    middle = points.mean(axis=0)
    hull = cv2.convexHull(middle + np.float32(scale) * (points - middle))[:, 0]
    mask = np.zeros(shape, np.float32)
    cv2.fillConvexPoly(mask, _whole(hull), 1.0, cv2.LINE_AA)
    return mask


def holes(points: Values, shape: tuple[int, int], rims: Iterable[Sequence[int]], grown: float = 0) -> Values:
    """Return (H, W), 1 inside the rims, each a closed path of point numbers, and within `grown` pixels of them."""
    mask = np.zeros(shape, np.float32)
    for rim in rims:
        cv2.fillPoly(mask, [_whole(points[list(rim)])], 1.0)
    if grown >= 1:
        size = 2 * round(grown) + 1
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return mask


def half(points: Values, shape: tuple[int, int], right: bool) -> Values:
    """Return (H, W), 1 in the half of the face on the right of the picture, or else on the left."""
    side = OVAL[:19] if right else (OVAL[0], *OVAL[:17:-1])
    return holes(points, shape, [(*MIDDLE, *side[::-1])])


def features(points: Values, shape: tuple[int, int]) -> Values:
    """Return (H, W), 1 in the eyes, brows and lips."""
    return holes(points, shape, (RIGHT_EYE, LEFT_EYE, LIPS, MOUTH, *BROWS))


def skin(points: Values, shape: tuple[int, int], scale: float) -> NDArray[np.bool_]:
    """Return (H, W), true inside the outline at `scale` but outside the features."""
    return (outline(points, shape, scale) > 0.5) & (features(points, shape) < 0.5)


def soften(mask: Values, pixels: float) -> Values:
    """Return the mask with an edge that rises over about twice `pixels`."""
    soft: Values = cv2.GaussianBlur(mask, (0, 0), max(0.5, pixels / 2))
    return soft


def _whole(points: Values) -> NDArray[np.int32]:
    return np.round(points).astype(np.int32)
