"""A face turned upright at a fixed size: the similarity that brings five of its points to ArcFace's places."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
"""Eyes, nose and corners of the mouth in a crop of 112 x 112, left in the picture first. Source: InsightFace."""


def arcface_points(side: int) -> Values:
    """(5, 2): ArcFace's places in a crop of `side`, where 128 has a margin of 8 on the left and the right."""
    if side % 128 == 0:
        ratio = side / 128
        return np.asarray(ARCFACE * ratio + np.array([8 * ratio, 0]), np.float32)
    return np.asarray(ARCFACE * (side / 112), np.float32)


def estimate_similarity(points: Values, goal: Values) -> Values:
    """(2, 3): scale, turn and shift that bring `points` (N, 2) nearest to `goal` (N, 2).

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.
    """
    middle, aim = points.mean(axis=0), goal.mean(axis=0)
    away, there = points - middle, goal - aim
    left, sizes, right = np.linalg.svd(there.T @ away / len(points))
    signs = np.array([1, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    turn = (left * signs) @ right
    scale = (sizes * signs).sum() / away.var(axis=0).sum()
    return np.hstack([scale * turn, (aim - scale * turn @ middle)[:, None]]).astype(np.float32)
