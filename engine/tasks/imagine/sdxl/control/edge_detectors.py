"""Draws a picture's lines in white on black, as ControlNets were trained on."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.tasks.imagine.contract import Picture

CANNY_LOW, CANNY_HIGH = 100, 200
"""Canny's thresholds, as ControlNet's authors use them."""
LINE_THRESHOLD = 32
"""Difference of two blurs, of 255, that counts as a line: ControlNet's own scribbles."""


def canny(picture: "Picture") -> "Picture":
    """Return every edge of a picture (H, W, 3), one pixel wide."""
    import cv2

    return _three(cv2.Canny(picture, CANNY_LOW, CANNY_HIGH))


def scribble(picture: "Picture") -> "Picture":
    """Return the strong outlines, thick and loose: the difference of two blurs (XDoG, Winnemöller 2012)."""
    import cv2

    scale = max(picture.shape[:2]) / 512
    fine, coarse = (cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma * scale) for sigma in (0.5, 5.0))
    lines = (255 - np.min(255 - np.clip(coarse - fine, 0, 255), axis=2) > LINE_THRESHOLD).astype(np.uint8) * 255
    return _three(lines)


def _three(lines: "Picture") -> "Picture":
    return np.repeat(lines[:, :, None], 3, axis=2)
