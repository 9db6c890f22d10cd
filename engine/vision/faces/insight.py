"""The full tier's faces: InsightFace's FaceAnalysis, its networks run by torch where the device is a GPU."""

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

SIDE = 640
"""Of the square in which frames are looked through; stills also at 128, for faces that fill them."""
SURE = 0.5
SAME = 0.4
"""Distance of two faces' middles, as a share of the larger one's side, below which they are one face."""


@dataclass(frozen=True)
class KeyFace:
    """`box` is left, top, right, bottom in pixels.

    `marks` (5, 2), in pixels, are eyes, nose and corners of the mouth; of a pair the one first that is on the left of
    the picture when the head is upright.
    """

    box: tuple[float, float, float, float]
    marks: Values
    score: float

    @property
    def area(self) -> float:
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    @property
    def roll(self) -> float:
        """Radians by which the line of the eyes is turned, clockwise, from -pi to pi."""
        return roll_of(self.marks[0], self.marks[1])

    @property
    def width(self) -> float:
        """Pixels along the line of the eyes: the box's height where the head lies on its side."""
        left, top, right, bottom = self.box
        return bottom - top if quarter_of(self.roll) % 2 else right - left

    @property
    def yaw(self) -> float:
        """Degrees to the right of an upright head, about: by where the nose is between the eyes."""
        across = self.marks[1] - self.marks[0]
        share = float((self.marks[2] - self.marks[0]) @ across / max(1e-6, float(across @ across)))
        return float(np.clip(90 * (share - 0.5), -90, 90))

    def with_marks(self, marks: Values) -> "KeyFace":
        x, y = (marks - self.marks).mean(axis=0)
        left, top, right, bottom = self.box
        return KeyFace((left + x, top + y, right + x, bottom + y), marks, self.score)

    def share_outside(self, shape: tuple[int, ...]) -> float:
        """Share of the box that lies out of a picture of `shape`, (H, W, ...)."""
        left, top, right, bottom = self.box
        wide = max(0.0, min(right, shape[1]) - max(left, 0.0))
        high = max(0.0, min(bottom, shape[0]) - max(top, 0.0))
        return 1 - wide * high / max(1e-6, self.area)


class InsightReader:
    """Detection and recognition of buffalo_l, or of another package of such networks in `folder`."""

    def __init__(self, folder: Path, device: str) -> None:
        """Raises MissingModel where the folder's networks cannot be read."""
        from insightface.app import FaceAnalysis

        try:
            self._analysis = FaceAnalysis(
                str(folder),
                allowed_modules=["detection", "recognition"],
                providers=["CPUExecutionProvider"],
                static_shape_sessions=False,
            )
        except Exception as error:  # onnx, ONNX Runtime and InsightFace have no root of their errors in common
            raise model_error() from error
        if "recognition" not in self._analysis.models:
            raise model_error()
        self._analysis.prepare(ctx_id=0, det_size=(SIDE, SIDE), det_thresh=SURE)
        self.bytes = sum(Path(model.model_file).stat().st_size for model in self._analysis.models.values())
        if device != "cpu":
            self._move(device)

    def faces(self, picture: Picture) -> tuple[KeyFace, ...]:
        """Return the faces of `picture`, uint8 (H, W, 3) RGB, whichever way up, from left to right.

        Those that fill the picture are among them.
        """
        return self._find(picture, [(128, 128), (SIDE, SIDE)], QUARTERS)

    def detect_fast(self, picture: Picture) -> tuple[KeyFace, ...]:
        """Return the faces of a frame of a video, whichever way up, from left to right."""
        return self._find(picture, [(SIDE, SIDE)], QUARTERS)

    def detect_at_roll(self, picture: Picture, roll: float) -> tuple[KeyFace, ...]:
        """Return the faces of a frame that are turned by about `roll` radians: one look instead of four."""
        return self._find(picture, [(SIDE, SIDE)], (quarter_of(roll),))

    def embedding(self, picture: Picture, face: KeyFace) -> Values:
        """(512,) of length 1: who it is."""
        import cv2

        network: Any = self._analysis.models["recognition"]
        side = network.input_size[0]
        crop = cv2.warpAffine(picture, estimate_similarity(face.marks, arcface_points(side)), (side, side))
        told = np.asarray(network.get_feat(np.ascontiguousarray(crop[..., ::-1])), np.float32).reshape(-1)
        return np.asarray(told / max(1e-6, float(np.linalg.norm(told))), np.float32)

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

    def _move(self, device: str) -> None:
        from engine.torch_support.onnx import TorchSession

        for model in self._analysis.models.values():
            model.session = TorchSession(Path(model.model_file), device)


def _restore(box: Values, marks: Values, shape: tuple[int, ...], quarter: int) -> KeyFace:
    """Return the face in the picture of `shape` that was found in its quarter turn; `box` (5,) ends in the score."""
    left, top, right, bottom = map(float, restore_box(box[:4], shape, quarter))
    return KeyFace((left, top, right, bottom), restore_points(marks, shape, quarter), float(box[4]))


def _distinct(found: Sequence[KeyFace]) -> list[KeyFace]:
    """Return `found` without the faces that lie where a surer one does, at whatever angle."""
    kept: list[KeyFace] = []
    for face in sorted(found, key=lambda face: -face.score - UPRIGHT_BONUS * (quarter_of(face.roll) == 0)):
        if all(_distance(face, other) > SAME for other in kept):
            kept.append(face)
    return kept


def _distance(one: KeyFace, other: KeyFace) -> float:
    """Return how far the middles of two faces are apart, as a share of the larger one's side."""
    middles = [np.array([face.box[0] + face.box[2], face.box[1] + face.box[3]]) / 2 for face in (one, other)]
    return float(np.linalg.norm(middles[0] - middles[1]) / max(one.area, other.area, 1e-6) ** 0.5)


def model_error() -> MissingModel:
    return MissingModel(
        "InsightFace's networks cannot be loaded: det_10g.onnx, w600k_r50.onnx or inswapper_128.onnx is not there, not"
        " whole, or another. Look at models.faceswap in config.toml."
    )
