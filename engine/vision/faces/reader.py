"""Find the faces of a picture with their landmarks, by running MediaPipe's detector and then its face mesh."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vision.faces.detector import Detector, FaceDetection
from engine.vision.faces.face import Face
from engine.vision.faces.mesh import Crop, Mesh
from engine.weights import registry

Picture = NDArray[np.uint8]

WEIGHT = "mediapipe-faces"
"""The name of the networks in the weights catalogue."""
MIN_SCORE, MIN_TRACKED_SCORE = 0.95, 0.6
"""Minimum score of a face by the mesh network, and of a face that was there in the previous frame.

People's faces score 0.99 and more, cats' up to 0.93.
"""
MAX_DRIFT = 0.03
"""Maximum mean distance of the points between two readings, in face widths.

It is at most 0.015 for a person's head at any rotation, and 0.02 to 0.1 for a head that is read upside down.
"""
MAX_SAME_FACE_DISTANCE = 0.4
"""Distance between two faces' centres, relative to the side of the larger one, below which they are the same face."""
MAX_OVERLAP = 0.3
"""Intersection over union of two faces' boxes above which they are one face that was read at two rotations.

The detector uses the same limit.
"""
PART_SHARE = 0.6
"""Side of each part that is searched if the whole picture shows no face, relative to the picture's side."""
MAX_ASPECT_RATIO = 4
"""Ratio of a picture's sides above which no face can fill it."""
BORDER_SHARE = 0.5
"""Border that is added to find a face that fills the picture, relative to the longer side."""


class FaceReader:
    """Finds faces and reads their 468 points on the CPU, with `threads` threads. Not thread-safe."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        """Load the networks from the weights `folder`. Raises MissingModel, naming what to fetch."""
        place = registry.path_or_raise(WEIGHT, folder)
        self._detector = Detector(place / "face_detection_back.tflite", threads)
        self._mesh = Mesh(place / "face_landmark.tflite", threads)

    def faces(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces of `picture`, uint8 (H, W, 3) RGB, at any rotation, from left to right.

        Faces do not overlap much.
        """
        return _sort_faces(self._read(picture, self._detector.find_at_any_angle(picture)))

    def find_faces(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces as `faces` does. If there are none, search for small faces and for one that fills it."""
        faces = self.faces(picture)
        if not faces:
            faces = _sort_faces(self._read(picture, self._detect_in_parts(picture)))
        return faces or self._find_filling(picture)

    def track(self, picture: Picture, face: Face) -> Face | None:
        """Return the same face in the next frame, or None if it is no longer there."""
        found = self._mesh.read(picture, Crop.of_face(face))
        return found if found.score > MIN_TRACKED_SCORE else None

    def _read(self, picture: Picture, found: Iterable[FaceDetection]) -> list[tuple[float, Face]]:
        """Return the detections that are faces, each with the detector's score."""
        read = []
        for one in found:
            face = self._steady_face(picture, self._mesh.read(picture, Crop.of_detection(one)))
            if face:
                read.append((one.score, face))
        return read

    def _steady_face(self, picture: Picture, first: Face) -> Face | None:
        """Read a face twice more, each time in a crop around the previous points. Return it if the readings agree.

        The mesh network may be as confident about a head that it reads upside down, or a cat that lies on its side, as
        about a person's upright head, but then each reading gives different points.
        """
        if first.score <= MIN_TRACKED_SCORE / 2:
            return None
        second = self._mesh.read(picture, Crop.of_face(first))
        third = self._mesh.read(picture, Crop.of_face(second))
        if min(second.score, third.score) <= MIN_SCORE or _drift(second, third) > MAX_DRIFT:
            return None
        return second

    def _detect_in_parts(self, picture: Picture) -> Iterable[FaceDetection]:
        height, width = picture.shape[:2]
        high, wide = round(height * PART_SHARE), round(width * PART_SHARE)
        for top in (0, height - high):
            for left in (0, width - wide):
                for found in self._detector.find_at_any_angle(picture[top : top + high, left : left + wide]):
                    offset = np.array([left, top], np.float32)
                    yield FaceDetection(found.box + np.tile(offset, 2), found.marks + offset, found.score)

    def _find_filling(self, picture: Picture) -> tuple[Face, ...]:
        if max(picture.shape[:2]) > MAX_ASPECT_RATIO * min(picture.shape[:2]):
            return ()  # no face fills a strip, and the border would be many times its size
        edge = round(max(picture.shape[:2]) * BORDER_SHARE)
        bordered = cv2.copyMakeBorder(picture, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
        return tuple(face.shift_by(-edge, -edge) for face in self.faces(bordered))


def _sort_faces(read: Iterable[tuple[float, Face]]) -> tuple[Face, ...]:
    """Return the faces from left to right, without those at the position of a more certain one."""
    kept: list[Face] = []
    for _, face in sorted(read, key=lambda pair: -pair[0]):
        if all(
            _distance(face, other) > MAX_SAME_FACE_DISTANCE and _overlap(face, other) <= MAX_OVERLAP for other in kept
        ):
            kept.append(face)
    return tuple(sorted(kept, key=lambda face: (face.box[0] + face.box[2], face.box[1])))


def _distance(one: Face, other: Face) -> float:
    """Return the distance between the centres of two faces, relative to the side of the larger one."""
    centres = [face.points[:, :2].mean(axis=0) for face in (one, other)]
    return float(np.linalg.norm(centres[0] - centres[1]) / max(one.area, other.area, 1e-6) ** 0.5)


def _overlap(one: Face, other: Face) -> float:
    """Return the intersection of two faces' boxes over their union, 0 to 1."""
    boxes = np.array([one.box, other.box])
    sides = np.maximum(0, boxes[:, 2:].min(axis=0) - boxes[:, :2].max(axis=0))
    shared = float(sides.prod())
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return shared / max(float(areas.sum()) - shared, 1e-6)


def _drift(one: Face, other: Face) -> float:
    """Return the mean distance between the points of two readings, in face widths."""
    distance = np.linalg.norm(one.points[:, :2] - other.points[:, :2], axis=1).mean()
    return float(distance / max(1.0, one.width))
