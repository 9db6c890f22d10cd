"""Who a face is: dlib's face recognition network, which was trained on three million faces.

Source: King, "High Quality Face Recognition with Deep Metric Learning", blog.dlib.net, 2017.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vision.faces.alignment import estimate_similarity
from engine.vision.faces.face import Face
from engine.weights import registry

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

WEIGHT = "dlib-faces"
"""The entry of weights.toml."""
SIDE = 150
"""Pixels of the upright crop that the network takes."""
PADDING = 0.25
POINTS = (263, 362, 33, 133, 2)
"""Of the mesh: the corners of the person's left eye, outer first, of the right eye, and the base of the nose."""
PLACES = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ],
    np.float32,
)
"""Where these points lie in the crop without its padding. Source: dlib's `get_face_chip_details`."""
MIN_WIDTH = 24.0
"""Pixels of a face's width below which it is too coarse to be recognised."""


class Recogniser:
    """Turns a face into a vector (128,): two of one person are less than about 0.6 apart, of two people more."""

    def __init__(self, folder: Path) -> None:
        """Load from the weights `folder`. Raises MissingModel, naming what to fetch."""
        import dlib

        self._network: Any = dlib.face_recognition_model_v1(str(registry.path_or_raise(WEIGHT, folder)))

    def vector(self, picture: Picture, face: Face) -> Values | None:
        """Return who `face` of `picture`, uint8 (H, W, 3) RGB, is; None where it is too small to tell."""
        if face.width < MIN_WIDTH:
            return None
        return np.asarray(self._network.compute_face_descriptor(crop_upright(picture, face)), np.float32)


def crop_upright(picture: Picture, face: Face) -> Picture:
    """Return the upright crop, uint8 (SIDE, SIDE, 3), with the eyes and the nose where the network expects them."""
    matrix = estimate_similarity(face.points[list(POINTS), :2], (PLACES + PADDING) / (1 + 2 * PADDING) * SIDE)
    shrinks = float(np.hypot(*matrix[0, :2])) < 1
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    crop = cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=method, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(crop, np.uint8)
