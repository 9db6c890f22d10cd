"""Detect and recognise faces with InsightFace, for the full tier. On a GPU, torch runs its networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import MissingModel
from engine.vision.faces.alignment import arcface_points, estimate_similarity
from engine.vision.faces.quarters import (
    QUARTERS,
    UPRIGHT_BONUS,
    is_upright,
    quarter_of,
    restore_box,
    restore_points,
    roll_of,
    turn_picture,
)

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

SIDE_PIXELS = 640
"""Side of the square in which faces are detected."""
CLOSE_UP_SIDE_PIXELS = 128
"""Side of a second square for still pictures, in which faces that fill the picture are detected."""
MIN_SCORE = 0.5
"""Minimum score of a detection."""
MAX_SAME_FACE_DISTANCE = 0.4
"""Distance between two faces' centres, relative to the side of the larger one, below which they are the same face."""


@dataclass(frozen=True)
class KeyFace:
    """A detected face. `box` is left, top, right and bottom in pixels, and `score` is 0 to 1.

    `marks` (5, 2), in pixels, are the eyes, nose and corners of the mouth; of a pair, the one on the left of an upright
    head comes first.
    """

    box: tuple[float, float, float, float]
    marks: Values
    score: float

    @property
    def area(self) -> float:
        """Return the area of the box in square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    @property
    def roll(self) -> float:
        """Return the clockwise rotation of the line between the eyes in radians, from -pi to pi."""
        return roll_of(self.marks[0], self.marks[1])

    @property
    def width(self) -> float:
        """Return the width of the face in pixels: the height of the box if the head lies on its side."""
        left, top, right, bottom = self.box
        return bottom - top if quarter_of(self.roll) % 2 else right - left

    @property
    def yaw(self) -> float:
        """Return the approximate yaw in degrees, -90 to 90, by the nose's position between the eyes.

        It is positive if an upright face looks to the right.
        """
        across = self.marks[1] - self.marks[0]
        share = float((self.marks[2] - self.marks[0]) @ across / max(1e-6, float(across @ across)))
        return float(np.clip(90 * (share - 0.5), -90, 90))

    def with_marks(self, marks: Values) -> "KeyFace":
        """Return the face with other marks (5, 2), and the box moved along with them."""
        x, y = (marks - self.marks).mean(axis=0)
        left, top, right, bottom = self.box
        return KeyFace((left + x, top + y, right + x, bottom + y), marks, self.score)

    def share_outside(self, shape: tuple[int, ...]) -> float:
        """Return the share of the box, 0 to 1, that lies outside a picture of `shape` (H, W, ...)."""
        left, top, right, bottom = self.box
        wide = max(0.0, min(right, shape[1]) - max(left, 0.0))
        high = max(0.0, min(bottom, shape[0]) - max(top, 0.0))
        return 1 - wide * high / max(1e-6, self.area)


class InsightReader:
    """Detects and recognises faces with buffalo_l or another set of InsightFace networks."""

    def __init__(self, folder: Path, device: str) -> None:
        """Load the networks in `folder`. Raises MissingModel if they cannot be loaded."""
        from insightface.app import FaceAnalysis

        try:
            self._analysis = FaceAnalysis(
                str(folder),
                allowed_modules=["detection", "recognition"],
                providers=["CPUExecutionProvider"],
                static_shape_sessions=False,
            )
        except Exception as error:  # the errors of onnx, ONNX Runtime and InsightFace share no base class
            raise model_error() from error
        if "recognition" not in self._analysis.models:
            raise model_error()
        self._analysis.prepare(ctx_id=0, det_size=(SIDE_PIXELS, SIDE_PIXELS), det_thresh=MIN_SCORE)
        self.bytes = sum(Path(model.model_file).stat().st_size for model in self._analysis.models.values())
        if device != "cpu":
            self._run_on(device)

    def faces(self, picture: Picture) -> tuple[KeyFace, ...]:
        """Return the faces of `picture`, uint8 (H, W, 3) RGB, at any rotation, from left to right.

        Faces that fill the picture are included.
        """
        sides = (CLOSE_UP_SIDE_PIXELS, SIDE_PIXELS)
        return self._find(picture, [(side, side) for side in sides], QUARTERS)

    def detect_fast(self, picture: Picture) -> tuple[KeyFace, ...]:
        """Return the faces of a video frame, uint8 (H, W, 3) RGB, at any rotation, from left to right."""
        return self._find(picture, [(SIDE_PIXELS, SIDE_PIXELS)], QUARTERS)

    def detect_at_roll(self, picture: Picture, roll: float) -> tuple[KeyFace, ...]:
        """Return the faces of a video frame that are rotated by about `roll` radians.

        This runs the detector once instead of four times.
        """
        return self._find(picture, [(SIDE_PIXELS, SIDE_PIXELS)], (quarter_of(roll),))

    def embedding(self, picture: Picture, face: KeyFace) -> Values:
        """Return the face's identity as a vector (512,) of length 1."""
        import cv2

        network: Any = self._analysis.models["recognition"]
        side = network.input_size[0]
        crop = cv2.warpAffine(picture, estimate_similarity(face.marks, arcface_points(side)), (side, side))
        vector = np.asarray(network.get_feat(np.ascontiguousarray(crop[..., ::-1])), np.float32).reshape(-1)
        return np.asarray(vector / max(1e-6, float(np.linalg.norm(vector))), np.float32)

    def _find(self, picture: Picture, sizes: list[tuple[int, int]], quarters: Sequence[int]) -> tuple[KeyFace, ...]:
        found = [face for quarter in quarters for face in self._find_in_quarter(picture, sizes, quarter)]
        return tuple(sorted(_distinct(found), key=lambda face: (face.box[0] + face.box[2], face.box[1])))

    def _find_in_quarter(self, picture: Picture, sizes: list[tuple[int, int]], quarter: int) -> list[KeyFace]:
        bgr = np.ascontiguousarray(turn_picture(picture, quarter)[..., ::-1])
        boxes, marks = self._analysis.det_model.detect(bgr, input_size=sizes)
        return [
            _restore(np.asarray(box, np.float32), np.asarray(five, np.float32), picture.shape, quarter)
            for box, five in zip(boxes, marks, strict=True)
            if is_upright(*five[:2])
        ]

    def _run_on(self, device: str) -> None:
        """Replace the ONNX Runtime sessions by torch sessions on `device`."""
        from engine.torch_support.onnx import TorchSession

        for model in self._analysis.models.values():
            model.session = TorchSession(Path(model.model_file), device)


def _restore(box: Values, marks: Values, shape: tuple[int, ...], quarter: int) -> KeyFace:
    """Map a face that was found in a turned picture back to the picture of `shape`. `box` (5,) ends with the score."""
    left, top, right, bottom = map(float, restore_box(box[:4], shape, quarter))
    return KeyFace((left, top, right, bottom), restore_points(marks, shape, quarter), float(box[4]))


def _distinct(found: Sequence[KeyFace]) -> list[KeyFace]:
    """Return `found` without faces at the position of a more certain one, whatever their rotation."""
    kept: list[KeyFace] = []
    for face in sorted(found, key=lambda face: -face.score - UPRIGHT_BONUS * (quarter_of(face.roll) == 0)):
        if all(_distance(face, other) > MAX_SAME_FACE_DISTANCE for other in kept):
            kept.append(face)
    return kept


def _distance(one: KeyFace, other: KeyFace) -> float:
    """Return the distance between the centres of two faces, relative to the side of the larger one."""
    centres = [np.array([face.box[0] + face.box[2], face.box[1] + face.box[3]]) / 2 for face in (one, other)]
    return float(np.linalg.norm(centres[0] - centres[1]) / max(one.area, other.area, 1e-6) ** 0.5)


def model_error() -> MissingModel:
    """Return the error for networks that are missing, damaged or of another kind."""
    return MissingModel(
        "The InsightFace networks cannot be loaded: det_10g.onnx, w600k_r50.onnx or inswapper_128.onnx is missing,"
        " incomplete or a different file. Check models.faceswap in config.toml."
    )
