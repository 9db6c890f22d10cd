"""Recognise people with dlib's face recognition network, which was trained on three million faces.

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
"""The name of the network in the weights catalogue."""
SIDE_PIXELS = 150
"""Side of the network's input, an upright crop."""
PADDING_SHARE = 0.25
"""Padding around the unit square of POSITIONS, on each side, relative to that square."""
LANDMARKS = (263, 362, 33, 133, 2)
"""Points of the face mesh: the corners of the person's left eye, outer first, of the right eye, and the nose's base."""
POSITIONS = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ],
    np.float32,
)
"""Positions of LANDMARKS in the crop without its padding. Source: dlib's `get_face_chip_details`."""
MIN_WIDTH_PIXELS = 24.0
"""Minimum width of a face. A smaller one has too little detail to be recognised."""


class Recogniser:
    """Computes identity vectors (128,). Two of the same person are less than about 0.6 apart, of two people more."""

    def __init__(self, folder: Path) -> None:
        """Load the network from the weights `folder`. Raises MissingModel, naming what to fetch."""
        import dlib

        self._network: Any = dlib.face_recognition_model_v1(str(registry.path_or_raise(WEIGHT, folder)))

    def vector(self, picture: Picture, face: Face) -> Values | None:
        """Return the identity vector (128,) of a face in `picture`, uint8 (H, W, 3) RGB, or None if it is too small."""
        if face.width < MIN_WIDTH_PIXELS:
            return None
        return np.asarray(self._network.compute_face_descriptor(crop_upright(picture, face)), np.float32)


def crop_upright(picture: Picture, face: Face) -> Picture:
    """Return the upright crop of a face, uint8 (SIDE_PIXELS, SIDE_PIXELS, 3), aligned as the network expects."""
    goal = (POSITIONS + PADDING_SHARE) / (1 + 2 * PADDING_SHARE) * SIDE_PIXELS
    matrix = estimate_similarity(face.points[list(LANDMARKS), :2], goal)
    shrinks = float(np.hypot(*matrix[0, :2])) < 1
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    size = (SIDE_PIXELS, SIDE_PIXELS)
    crop = cv2.warpAffine(picture, matrix, size, flags=method, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(crop, np.uint8)
