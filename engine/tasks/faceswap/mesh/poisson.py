"""Poisson blending: the gradients of the inserted picture, with the colours around it.

This adds to the inserted picture a smooth membrane that equals the difference to the surroundings on the rim. Inside,
the membrane solves Laplace's equation, for which a coarse grid is enough; or the screened equation, which fades away
from the rim, where the colours in the middle are already right. Sources: Pérez et al., "Poisson Image Editing", 2003;
Bhat et al., "Fourier Analysis of the 2D Screened Poisson Equation for Gradient Domain Problems", 2008.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

GRID = 96
"""Cells along the longer side of the grid on which the membrane is solved."""
STEPS = 120
"""Relaxation steps after a guess that is already smooth."""
OUTLIERS = 3.0
"""Median deviations from the median beyond which a difference is hair or background and is ignored."""

_NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4


def membrane(difference: Values, rim: Values, reach: float = float("inf")) -> Values:
    """Return a smooth float32 (H, W, C) that is near `difference` (H, W, C) on `rim`, weights (H, W) in 0..1.

    It fades to a third over each `reach` pixels away from the rim, or not at all if that is infinite.
    """
    height, width = rim.shape
    scale = min(1.0, GRID / max(height, width))
    size = max(2, round(width * scale)), max(2, round(height * scale))
    weight = cv2.resize(rim, size, interpolation=cv2.INTER_AREA)
    known = weight > 0.02
    if not known.any():
        return np.zeros_like(difference)
    values = cv2.resize(difference * rim[..., None], size, interpolation=cv2.INTER_AREA)
    values = np.where(known[..., None], values / np.maximum(weight, 0.02)[..., None], 0).astype(np.float32)
    fading = 1 / (1 + 1 / (4 * (reach * scale) ** 2))
    solved = _relax(_initial_guess(values, known.astype(np.float32)), values, known, fading)
    smooth: Values = cv2.resize(solved, (width, height), interpolation=cv2.INTER_LINEAR)
    return smooth


def ordinary(difference: Values, rim: Values) -> Values:
    """Return `rim` without the pixels where `difference` (H, W, 3) is an outlier."""
    on = rim > 0
    if not on.any():
        return rim
    away = difference[on] - np.median(difference[on], axis=0)
    far = np.linalg.norm(away, axis=1)
    kept = rim.copy()
    kept[on] *= far <= OUTLIERS * max(4.0, float(np.median(far)))
    return kept


def _initial_guess(values: Values, known: Values) -> Values:
    """Fill unknown values from ever coarser averages of known ones (pull and push)."""
    if min(known.shape) <= 2:
        total = max(float(known.sum()), 1e-6)
        mean = (values * known[..., None]).sum(axis=(0, 1)) / total
        return np.broadcast_to(mean, values.shape).astype(np.float32)
    half = (known.shape[1] + 1) // 2, (known.shape[0] + 1) // 2
    weight = cv2.resize(known, half, interpolation=cv2.INTER_AREA)
    summed = cv2.resize(values * known[..., None], half, interpolation=cv2.INTER_AREA)
    coarse = _initial_guess(summed / np.maximum(weight, 1e-6)[..., None], (weight > 0).astype(np.float32))
    fine = cv2.resize(coarse, known.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.where(known[..., None] > 0, values, fine).astype(np.float32)


def _relax(guess: Values, values: Values, known: NDArray[np.bool_], fading: float) -> Values:
    kernel = _NEIGHBOURS * np.float32(fading)
    solved, fixed = guess, np.repeat(known[..., None], guess.shape[2], axis=2)
    for _ in range(STEPS):
        solved = cv2.filter2D(solved, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        np.copyto(solved, values, where=fixed)
    return solved
