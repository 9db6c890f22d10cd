"""Whether dark glasses hide a face's eyes: what is around both is mostly far darker than the cheeks."""

import numpy as np
from numpy.typing import NDArray

from engine.vision.faces.face import LEFT_EYE, RIGHT_EYE

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

DARK, COVERED = 0.5, 0.8
"""Of the cheeks' brightness what is dark, and the share of an eye's surroundings that glasses make so."""
AROUND = 0.24
"""Of the eyes' distance: how far around an eye is looked."""
CORNERS = (61, 291)


def has_dark_glasses(picture: Picture, marks: Values) -> bool:
    """`marks` are the five of InsightFace or the 468 of MediaPipe, (N, 2 or 3), in `picture`, uint8 (H, W, 3)."""
    eyes, corners = _places(marks[:, :2])
    radius = max(2.0, AROUND * float(np.linalg.norm(eyes[0] - eyes[1])))
    cheeks = np.concatenate([_disc(picture, place, radius / 2) for place in (eyes + corners) / 2])
    if not len(cheeks):
        return False
    bound = DARK * float(np.median(cheeks))
    return all(len(seen := _disc(picture, eye, radius)) > 0 and bool((seen < bound).mean() > COVERED) for eye in eyes)


def _places(flat: Values) -> tuple[Values, Values]:
    """Eyes and corners of the mouth, (2, 2) each, those on the same side beside each other."""
    if len(flat) == 5:
        return flat[:2], flat[3:]
    return np.array([flat[list(rim)].mean(axis=0) for rim in (RIGHT_EYE, LEFT_EYE)], np.float32), flat[list(CORNERS)]


def _disc(picture: Picture, middle: Values, radius: float) -> Values:
    """Brightness of the pixels there, 0 to 255."""
    left, top = np.maximum(0, np.floor(middle - radius)).astype(int)
    right, bottom = np.ceil(middle + radius).astype(int) + 1
    part = picture[top:bottom, left:right]
    rows, columns = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
    inside = (columns - middle[0]) ** 2 + (rows - middle[1]) ** 2 <= radius**2
    return np.asarray(part[inside].mean(axis=1), np.float32) if inside.any() else np.zeros(0, np.float32)
