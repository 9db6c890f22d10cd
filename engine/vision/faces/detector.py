"""Detect faces with MediaPipe's BlazeFace: decode its anchors and blend overlapping detections.

Source: Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vision.faces.litert import Network, Values
from engine.vision.faces.quarters import QUARTERS, UPRIGHT_BONUS, is_upright, restore_box, restore_points, turn_picture

Picture = NDArray[np.uint8]

STRIDES = (16, 32, 32, 32)
"""Strides of the anchor grids in pixels, with two anchors at each grid point."""
MIN_SCORE = 0.4
"""Minimum score of a detection. The mesh network then decides whether it is a face."""
MIN_OVERLAP = 0.3
"""Intersection over union above which two detections are the same face."""


@dataclass(frozen=True)
class FaceDetection:
    """A detected face. `box` is left, top, right and bottom in pixels.

    `marks` (6, 2), in pixels, are the eyes, nose, mouth and ears; of a pair, the one on the left of an upright head
    comes first. `score` is 0 to 1, plus UPRIGHT_BONUS for a head that is upright in the picture.
    """

    box: Values
    marks: Values
    score: float


class Detector:
    """Finds faces whose side is at least a twentieth of the picture's longer side."""

    def __init__(self, path: Path, threads: int) -> None:
        self._network = Network(path, threads)
        self._anchors = _anchors(self._network.side)

    def find(self, picture: Picture) -> list[FaceDetection]:
        """Return the upright faces of a picture, uint8 (H, W, 3) RGB, the most certain first."""
        longer = max(picture.shape[:2])
        regressors, scores = self._network(self._to_square(picture))
        sure = 1 / (1 + np.exp(-scores[0, :, 0].clip(-80, 80)))
        kept = sure > MIN_SCORE
        numbers = self._decode_boxes(regressors[0, kept].reshape(-1, 8, 2), self._anchors[kept]) * longer
        return _merge_overlaps(numbers, sure[kept])

    def find_at_any_angle(self, picture: Picture) -> list[FaceDetection]:
        """Return the faces of `picture`, uint8 (H, W, 3) RGB, at any rotation and in no particular order.

        The same face may be returned once for each of several quarter turns.
        """
        return [found for quarter in QUARTERS for found in self._find_in_quarter(picture, quarter)]

    def _find_in_quarter(self, picture: Picture, quarter: int) -> list[FaceDetection]:
        shape, bonus = picture.shape, 0.0 if quarter else UPRIGHT_BONUS
        return [
            FaceDetection(
                restore_box(found.box, shape, quarter),
                restore_points(found.marks, shape, quarter),
                found.score + bonus,
            )
            for found in self.find(turn_picture(picture, quarter))
            if is_upright(*found.marks[:2])
        ]

    def _to_square(self, picture: Picture) -> Values:
        """Return the picture scaled into the network's square, float32 in -1..1, padded with grey."""
        side, (height, width) = self._network.side, picture.shape[:2]
        scale = side / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        square = np.zeros((side, side, 3), np.float32)
        scaled = cv2.resize(picture, size, interpolation=method)
        square[: size[1], : size[0]] = scaled.astype(np.float32) * np.float32(2 / 255) - 1
        return square

    def _decode_boxes(self, raw: Values, anchors: Values) -> Values:
        """Return two box corners and six marks (N, 8, 2), relative to the square's side."""
        shares = raw / self._network.side
        placed = shares + anchors[:, None]
        half = shares[:, 1] / 2
        placed[:, 1] = placed[:, 0] + half
        placed[:, 0] -= half
        return placed.astype(np.float32)


def _anchors(side: int) -> Values:
    grids = []
    for stride in sorted(set(STRIDES)):
        steps = (np.arange(side // stride) + 0.5) / (side // stride)
        crossings = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        grids.append(np.repeat(crossings, 2 * STRIDES.count(stride), axis=0))
    return np.concatenate(grids).astype(np.float32)


def _merge_overlaps(numbers: Values, scores: Values) -> list[FaceDetection]:
    """Merge overlapping detections into averages weighted by score."""
    left, found = list(np.argsort(-scores)), []
    while left:
        overlaps = _overlaps(numbers[left[0], :2], numbers[left, :2])
        same = [one for one, overlap in zip(left, overlaps, strict=True) if overlap > MIN_OVERLAP]
        blended = np.average(numbers[same], axis=0, weights=scores[same]).astype(np.float32)
        found.append(FaceDetection(blended[:2].reshape(4), blended[2:], float(scores[left[0]])))
        left = [one for one in left if one not in same]
    return found


def _overlaps(one: Values, others: Values) -> Values:
    """Return the intersection over union (N,) of a box (2, 2) with each of `others` (N, 2, 2)."""
    shared = (np.minimum(one[1], others[:, 1]) - np.maximum(one[0], others[:, 0])).clip(0).prod(axis=1)
    areas = (others[:, 1] - others[:, 0]).prod(axis=1)
    union = (one[1] - one[0]).prod() + areas - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float32)
