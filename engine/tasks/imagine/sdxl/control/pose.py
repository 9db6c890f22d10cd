"""Draws a person's pose in OpenPose's style from the 17 COCO points that ViTPose finds."""

import colorsys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from engine.tasks.imagine.contract import Picture

MIN_CONFIDENCE = 0.3
"""Confidence below which a point is not drawn."""
FROM_COCO = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
"""OpenPose's 18 points: nose, neck, right arm, left arm, right leg, left leg, eyes, ears; neck between shoulders."""
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""Pairs of OpenPose's points (Cao et al. 2018), each in a colour of its own."""

Points = NDArray[np.float64]
"""Points (N, 2) or scores (N,)."""


class Pose:
    """A ViTPose network from the folder or repository `source`. It takes the whole picture as one person."""

    def __init__(self, source: str, device: str, **options: Any) -> None:
        """Load the network. Raises OSError and ValueError as `from_pretrained` does."""
        from transformers import AutoImageProcessor, VitPoseForPoseEstimation

        self._processor = AutoImageProcessor.from_pretrained(source, **options)
        self.network = VitPoseForPoseEstimation.from_pretrained(source, **options).to(device).eval()

    def __call__(self, picture: "Picture") -> "Picture":
        """Return the pose as a picture of the same size on black."""
        import torch

        height, width = picture.shape[:2]
        boxes = [[[0.0, 0.0, float(width), float(height)]]]
        inputs = self._processor(np.array(picture), boxes=boxes, return_tensors="pt").to(self.network.device)
        with torch.inference_mode():
            seen = self.network(**inputs)
        people = self._processor.post_process_pose_estimation(seen, boxes=boxes)[0]
        page = np.zeros_like(picture)
        for person in people:
            draw(page, openpose(person["keypoints"].cpu().double().numpy(), person["scores"].cpu().double().numpy()))
        return page


def openpose(points: Points, scores: Points) -> Points:
    """Convert COCO's 17 points (17, 2) to OpenPose's 18. Uncertain points are nan."""
    known = np.where(scores.reshape(-1, 1) >= MIN_CONFIDENCE, points, np.nan)
    neck = (known[5] + known[6]) / 2
    return np.stack([neck if place is None else known[place] for place in FROM_COCO])


def draw(page: "Picture", points: Points) -> None:
    """Draw limbs as ellipses and points as discs onto `page`, in place."""
    import cv2

    thick = max(2, round(max(page.shape[:2]) / 128))
    for number, (begin, end) in enumerate(LIMBS):
        if not np.isnan(points[[begin, end]]).any():
            middle, turn = points[[begin, end]].mean(axis=0), points[end] - points[begin]
            axes = (max(1, round(float(np.hypot(*turn)) / 2)), thick)
            angle = float(np.degrees(np.arctan2(turn[1], turn[0])))
            colour = tuple(0.6 * part for part in _colour(number, len(LIMBS)))
            cv2.ellipse(page, _whole(middle), axes, angle, 0, 360, colour, -1)
    for number, point in enumerate(points):
        if not np.isnan(point).any():
            cv2.circle(page, _whole(point), thick, _colour(number, len(points)), -1)


def _colour(number: int, count: int) -> tuple[float, ...]:
    """Return a colour of OpenPose's circle of hues, RGB in 0..255."""
    return tuple(255 * part for part in colorsys.hsv_to_rgb(number / count, 1, 1))


def _whole(point: Points) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
