"""The 468 points of a face: MediaPipe's face mesh on an upright crop of it.

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

MARGIN = 1.5
"""Side of the crop over the longer side of the face's box, as the network was trained."""


@dataclass(frozen=True)
class Crop:
    """A square around a face: `middle` (2,) and `side` in pixels, turned by `roll` radians, clockwise."""

    middle: Values
    side: float
    roll: float

    @classmethod
    def of_detection(cls, found: FaceDetection) -> "Crop":
        left, top, right, bottom = found.box
        across = found.marks[1] - found.marks[0]
        middle = np.array([left + right, top + bottom], np.float32) / np.float32(2)
        return cls(middle, MARGIN * float(max(right - left, bottom - top)), float(np.arctan2(across[1], across[0])))

    @classmethod
    def of_face(cls, face: Face) -> "Crop":
        """The crop that fits a face whose points are known, from this picture or the one before."""
        turn = _turn(-face.roll)
        upright = face.points[:, :2] @ turn.T
        low, high = upright.min(axis=0), upright.max(axis=0)
        middle = ((low + high) / 2) @ turn
        return cls(middle.astype(np.float32), MARGIN * float((high - low).max()), face.roll)

    def matrix(self, side: int) -> Values:
        """(2, 3): pixels of the picture to pixels of the crop at `side`."""
        turn = _turn(-self.roll) * (side / max(1.0, self.side))
        return np.hstack([turn, (side / 2 - turn @ self.middle)[:, None]]).astype(np.float32)


class Mesh:
    """Reads a face's points in a crop of a picture."""

    def __init__(self, path: Path, threads: int) -> None:
        self._network = Network(path, threads)

    def read(self, picture: Picture, crop: Crop) -> Face:
        """uint8 (H, W, 3) RGB -> the points, with the network's own word, 0 to 1, on whether there is a face."""
        side = self._network.side
        matrix = crop.matrix(side)
        method = cv2.INTER_LINEAR
        seen = cv2.warpAffine(picture, matrix, (side, side), flags=method, borderMode=cv2.BORDER_REPLICATE)
        points, sure = self._network(seen.astype(np.float32) * np.float32(1 / 255))
        score = float(1 / (1 + np.exp(-sure.reshape(-1)[0].clip(-80, 80))))
        return Face(_put_back(points.reshape(468, 3), matrix), score)


def _put_back(points: Values, matrix: Values) -> Values:
    """Points of a crop as points of the picture."""
    turn = matrix[:, :2]
    flat = (points[:, :2] - matrix[:, 2]) @ np.linalg.inv(turn).T
    depth = points[:, 2:] / float(np.hypot(*turn[0]))
    return np.hstack([flat, depth]).astype(np.float32)


def _turn(angle: float) -> Values:
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[cosine, -sine], [sine, cosine]], np.float32)
