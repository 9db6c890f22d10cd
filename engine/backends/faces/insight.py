"""The full tier's faces: InsightFace's FaceAnalysis, its networks run by torch where the device is a GPU."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.faces.alignment import places, similarity
from engine.errors import MissingModel

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

SIDE = 640
"""Of the square in which frames are looked through; stills also at 128, for faces that fill them."""
SURE = 0.5


@dataclass(frozen=True)
class KeyFace:
    """`box` is left, top, right, bottom; `marks` (5, 2): eyes, nose, corners of the mouth, left ones first. Pixels."""

    box: tuple[float, float, float, float]
    marks: Values
    score: float

    @property
    def area(self) -> float:
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    @property
    def yaw(self) -> float:
        """Degrees to the right of the picture, about: by where the nose is between the eyes."""
        across = self.marks[1] - self.marks[0]
        share = float((self.marks[2] - self.marks[0]) @ across / max(1e-6, float(across @ across)))
        return float(np.clip(90 * (share - 0.5), -90, 90))

    def at(self, marks: Values) -> "KeyFace":
        x, y = (marks - self.marks).mean(axis=0)
        left, top, right, bottom = self.box
        return KeyFace((left + x, top + y, right + x, bottom + y), marks, self.score)

    def outside(self, shape: tuple[int, ...]) -> float:
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
            raise unfit() from error
        if "recognition" not in self._analysis.models:
            raise unfit()
        self._analysis.prepare(ctx_id=0, det_size=(SIDE, SIDE), det_thresh=SURE)
        self.bytes = sum(Path(model.model_file).stat().st_size for model in self._analysis.models.values())
        if device != "cpu":
            self._move(device)

    def faces(self, picture: Picture) -> tuple[KeyFace, ...]:
        """uint8 (H, W, 3) RGB -> the faces from left to right, also those that fill the picture."""
        return self._found(picture, [(128, 128), (SIDE, SIDE)])

    def quick(self, picture: Picture) -> tuple[KeyFace, ...]:
        return self._found(picture, [(SIDE, SIDE)])

    def embedding(self, picture: Picture, face: KeyFace) -> Values:
        """(512,) of length 1: who it is."""
        import cv2

        network: Any = self._analysis.models["recognition"]
        side = network.input_size[0]
        crop = cv2.warpAffine(picture, similarity(face.marks, places(side)), (side, side))
        told = np.asarray(network.get_feat(np.ascontiguousarray(crop[..., ::-1])), np.float32).reshape(-1)
        return np.asarray(told / max(1e-6, float(np.linalg.norm(told))), np.float32)

    def _found(self, picture: Picture, sizes: list[tuple[int, int]]) -> tuple[KeyFace, ...]:
        bgr = np.ascontiguousarray(picture[..., ::-1])
        boxes, marks = self._analysis.det_model.detect(bgr, input_size=sizes)
        found = [
            KeyFace(tuple(map(float, box[:4])), np.asarray(five, np.float32), float(box[4]))  # type: ignore[arg-type]
            for box, five in zip(boxes, marks, strict=True)
        ]
        return tuple(sorted(found, key=lambda face: (face.box[0] + face.box[2], face.box[1])))

    def _move(self, device: str) -> None:
        from engine.backends.onnx_torch import TorchSession

        for model in self._analysis.models.values():
            model.session = TorchSession(Path(model.model_file), device)


def unfit() -> MissingModel:
    return MissingModel(
        "InsightFace's networks cannot be loaded: det_10g.onnx, w600k_r50.onnx or inswapper_128.onnx is not there, not"
        " whole, or another. Look at models.faceswap in config.toml."
    )
