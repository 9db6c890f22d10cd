"""Read the 468 landmarks of a face with MediaPipe's face mesh, on an upright crop.

Source: Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vision.faces.detector import FaceDetection
from engine.vision.faces.face import Face
from engine.vision.faces.litert import Network, Values

Picture = NDArray[np.uint8]

CROP_SCALE = 1.5
"""Side of the crop divided by the longer side of the face's box, as in the network's training."""


@dataclass(frozen=True)
class Crop:
    """A square around a face: `middle` (2,) and `side` in pixels, rotated clockwise by `roll` radians."""

    middle: Values
    side: float
    roll: float

    @classmethod
    def of_detection(cls, found: FaceDetection) -> "Crop":
        """Return the crop for a detected face."""
        left, top, right, bottom = found.box
        across = found.marks[1] - found.marks[0]
        middle = np.array([left + right, top + bottom], np.float32) / np.float32(2)
        return cls(middle, CROP_SCALE * float(max(right - left, bottom - top)), float(np.arctan2(across[1], across[0])))

    @classmethod
    def of_face(cls, face: Face) -> "Crop":
        """Return the crop for a face whose points are known, from this frame or the previous one."""
        rotation = _rotation(-face.roll)
        upright = face.points[:, :2] @ rotation.T
        low, high = upright.min(axis=0), upright.max(axis=0)
        middle = ((low + high) / 2) @ rotation
        return cls(middle.astype(np.float32), CROP_SCALE * float((high - low).max()), face.roll)

    def matrix(self, side: int) -> Values:
        """Return the matrix (2, 3) that maps pixels of the picture to pixels of the crop scaled to `side`."""
        scaled = _rotation(-self.roll) * (side / max(1.0, self.side))
        return np.hstack([scaled, (side / 2 - scaled @ self.middle)[:, None]]).astype(np.float32)


class Mesh:
    """Reads the landmarks of a face in a crop of a picture."""

    def __init__(self, path: Path, threads: int) -> None:
        self._network = Network(path, threads)

    def read(self, picture: Picture, crop: Crop) -> Face:
        """Return the face in a crop of a picture, uint8 (H, W, 3) RGB.

        Its score, 0 to 1, is the network's confidence that there is a face.
        """
        side = self._network.side
        matrix = crop.matrix(side)
        method = cv2.INTER_LINEAR
        cropped = cv2.warpAffine(picture, matrix, (side, side), flags=method, borderMode=cv2.BORDER_REPLICATE)
        points, logit = self._network(cropped.astype(np.float32) * np.float32(1 / 255))
        score = float(1 / (1 + np.exp(-logit.reshape(-1)[0].clip(-80, 80))))
        return Face(_to_picture(points.reshape(468, 3), matrix), score)


def _to_picture(points: Values, matrix: Values) -> Values:
    """Map points (468, 3) of a crop to the picture, given the crop's matrix."""
    linear = matrix[:, :2]
    flat = (points[:, :2] - matrix[:, 2]) @ np.linalg.inv(linear).T
    depth = points[:, 2:] / float(np.hypot(*linear[0]))
    return np.hstack([flat, depth]).astype(np.float32)


def _rotation(angle: float) -> Values:
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[cosine, -sine], [sine, cosine]], np.float32)
