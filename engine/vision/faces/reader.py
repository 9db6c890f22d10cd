"""The faces of a picture with their points: MediaPipe's two networks one after the other."""

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
"""The entry of weights.toml."""
MIN_SCORE, MIN_TRACKED_SCORE = 0.95, 0.6
"""What the mesh network has to say at least of a face, and of one that was there in the frame before.

People's get 0.99 and more, cats' up to 0.93.
"""
MAX_DRIFT = 0.03
"""Mean distance, in face widths, that points may move from one reading to the next.

In a person's head, whichever way up, it is at most 0.015; in a head that is read upside down 0.02 to 0.1.
"""
SAME = 0.4
"""Distance of two faces' middles, as a share of the larger one's side, below which they are one face."""
MAX_OVERLAP = 0.3
"""Intersection over union of two faces' boxes above which they are one face, read once the right way up and once not.

The detector draws the same line between two faces and one.
"""
CLOSER = 0.6
"""Side of each part of the picture that is looked at where the whole shows no face, as a share of the picture's."""
STRIP = 4
"""Times the shorter side from which on a picture is too long for a face that fills it."""
AROUND = 0.5
"""Edge that is added where no part shows one either: a face may fill the picture."""


class FaceReader:
    """Finds faces and reads their 468 points, on the CPU with `threads`. Not for several threads at once."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        """Load from the weights `folder`. Raises MissingModel, naming what to fetch."""
        place = registry.path_or_raise(WEIGHT, folder)
        self._detector = Detector(place / "face_detection_back.tflite", threads)
        self._mesh = Mesh(place / "face_landmark.tflite", threads)

    def faces(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces of `picture`, uint8 (H, W, 3) RGB, whichever way up, from left to right.

        There is at most one for each place.
        """
        return _sort_faces(self._read(picture, self._detector.find_at_any_angle(picture)))

    def find_faces(self, picture: Picture) -> tuple[Face, ...]:
        """As `faces`; where there is none, also small ones in parts of the picture, and one that fills it."""
        faces = self.faces(picture)
        if not faces:
            faces = _sort_faces(self._read(picture, self._closer(picture)))
        return faces or self._filling(picture)

    def track(self, picture: Picture, face: Face) -> Face | None:
        """The same face in the next frame, or None where it is no longer there."""
        found = self._mesh.read(picture, Crop.of_face(face))
        return found if found.score > MIN_TRACKED_SCORE else None

    def _read(self, picture: Picture, found: Iterable[FaceDetection]) -> list[tuple[float, Face]]:
        """Return the faces among `found`, each with how sure the detector is of it and of its angle."""
        read = []
        for one in found:
            face = self._steady_face(picture, self._mesh.read(picture, Crop.of_detection(one)))
            if face:
                read.append((one.score, face))
        return read

    def _steady_face(self, picture: Picture, first: Face) -> Face | None:
        """Read a face twice more, each time in a crop by the points before, and return it where the readings agree.

        The mesh network may be as sure of a head that it reads upside down, or of a cat that lies on its side, as of a
        person's upright head; but then each reading gives other points.
        """
        if first.score <= MIN_TRACKED_SCORE / 2:
            return None
        second = self._mesh.read(picture, Crop.of_face(first))
        third = self._mesh.read(picture, Crop.of_face(second))
        if min(second.score, third.score) <= MIN_SCORE or _drift(second, third) > MAX_DRIFT:
            return None
        return second

    def _closer(self, picture: Picture) -> Iterable[FaceDetection]:
        height, width = picture.shape[:2]
        high, wide = round(height * CLOSER), round(width * CLOSER)
        for top in (0, height - high):
            for left in (0, width - wide):
                for found in self._detector.find_at_any_angle(picture[top : top + high, left : left + wide]):
                    moved = np.array([left, top], np.float32)
                    yield FaceDetection(found.box + np.tile(moved, 2), found.marks + moved, found.score)

    def _filling(self, picture: Picture) -> tuple[Face, ...]:
        if max(picture.shape[:2]) > STRIP * min(picture.shape[:2]):
            return ()  # no face fills a strip, and the edges would be many times its size
        edge = round(max(picture.shape[:2]) * AROUND)
        around = cv2.copyMakeBorder(picture, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
        return tuple(face.shift_by(-edge, -edge) for face in self.faces(around))


def _sort_faces(read: Iterable[tuple[float, Face]]) -> tuple[Face, ...]:
    """Return the faces from left to right, without those that lie where a surer one does."""
    kept: list[Face] = []
    for _, face in sorted(read, key=lambda pair: -pair[0]):
        if all(_apart(face, other) > SAME and _overlap(face, other) <= MAX_OVERLAP for other in kept):
            kept.append(face)
    return tuple(sorted(kept, key=lambda face: (face.box[0] + face.box[2], face.box[1])))


def _apart(one: Face, other: Face) -> float:
    middles = [face.points[:, :2].mean(axis=0) for face in (one, other)]
    return float(np.linalg.norm(middles[0] - middles[1]) / max(one.area, other.area, 1e-6) ** 0.5)


def _overlap(one: Face, other: Face) -> float:
    """Return the intersection of two faces' boxes over their union, 0 to 1."""
    boxes = np.array([one.box, other.box])
    sides = np.maximum(0, boxes[:, 2:].min(axis=0) - boxes[:, :2].max(axis=0))
    shared = float(sides.prod())
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return shared / max(float(areas.sum()) - shared, 1e-6)


def _drift(one: Face, other: Face) -> float:
    """Return how far the points of two readings are apart on average, in face widths."""
    away = np.linalg.norm(one.points[:, :2] - other.points[:, :2], axis=1).mean()
    return float(away / max(1.0, one.width))
