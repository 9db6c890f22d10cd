"""Align a face by the similarity transform that maps five of its landmarks to ArcFace's positions."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
"""Eyes, nose and corners of the mouth in a crop of 112 x 112 pixels, the one on the left first. Source: InsightFace."""


def arcface_points(side: int) -> Values:
    """Return ArcFace's landmark positions (5, 2) in a square crop of `side` pixels, a multiple of 112 or 128.

    A crop of 128 pixels has a margin of 8 pixels on the left and right.
    """
    if side % 128 == 0:
        ratio = side / 128
        return np.asarray(ARCFACE * ratio + np.array([8 * ratio, 0]), np.float32)
    return np.asarray(ARCFACE * (side / 112), np.float32)


def estimate_similarity(points: Values, goal: Values) -> Values:
    """Return the matrix (2, 3) of scale, rotation and translation that maps `points` (N, 2) closest to `goal` (N, 2).

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.
    """
    mean, goal_mean = points.mean(axis=0), goal.mean(axis=0)
    centred, goal_centred = points - mean, goal - goal_mean
    left, singular, right = np.linalg.svd(goal_centred.T @ centred / len(points))
    signs = np.array([1, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = (left * signs) @ right
    scale = (singular * signs).sum() / centred.var(axis=0).sum()
    return np.hstack([scale * rotation, (goal_mean - scale * rotation @ mean)[:, None]]).astype(np.float32)
