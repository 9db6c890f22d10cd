"""Detects dark glasses: most of what surrounds both eyes is far darker than the cheeks."""

import numpy as np
from numpy.typing import NDArray

from engine.vision.faces.face import LEFT_EYE, RIGHT_EYE

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

DARK, COVERED = 0.5, 0.8
"""Brightness relative to the cheeks below which a pixel is dark, and the share of dark pixels that means glasses."""
AROUND = 0.24
"""Radius that is examined around an eye, as a share of the distance between the eyes."""
CORNERS = (61, 291)
"""MediaPipe's points of the corners of the mouth."""


def has_dark_glasses(picture: Picture, marks: Values) -> bool:
    """Return whether dark glasses hide the eyes in `picture`, uint8 (H, W, 3).

    `marks` (N, 2 or 3) are InsightFace's five or MediaPipe's 468.
    """
    eyes, corners = _places(marks[:, :2])
    radius = max(2.0, AROUND * float(np.linalg.norm(eyes[0] - eyes[1])))
    cheeks = np.concatenate([_disc(picture, place, radius / 2) for place in (eyes + corners) / 2])
    if not len(cheeks):
        return False
    bound = DARK * float(np.median(cheeks))
    return all(len(seen := _disc(picture, eye, radius)) > 0 and bool((seen < bound).mean() > COVERED) for eye in eyes)


def _places(flat: Values) -> tuple[Values, Values]:
    """Return the eyes and the corners of the mouth, (2, 2) each, in the order of their sides."""
    if len(flat) == 5:
        return flat[:2], flat[3:]
    return np.array([flat[list(rim)].mean(axis=0) for rim in (RIGHT_EYE, LEFT_EYE)], np.float32), flat[list(CORNERS)]


def _disc(picture: Picture, middle: Values, radius: float) -> Values:
    """Return the brightness, 0 to 255, of the pixels in a disc."""
    left, top = np.maximum(0, np.floor(middle - radius)).astype(int)
    right, bottom = np.ceil(middle + radius).astype(int) + 1
    part = picture[top:bottom, left:right]
    rows, columns = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
    inside = (columns - middle[0]) ** 2 + (rows - middle[1]) ** 2 <= radius**2
    return np.asarray(part[inside].mean(axis=1), np.float32) if inside.any() else np.zeros(0, np.float32)
