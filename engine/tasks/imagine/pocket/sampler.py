"""DPM-Solver++(2M) for a network that predicts the clean picture x from z = t x + (1 - t) n, n noise and t in 0..1.

Source: Lu et al. 2022, "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
arXiv:2211.01095, algorithm 2, with alpha = t, sigma = 1 - t and lambda = log(alpha / sigma).
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def times(steps: int, shift: float = 2.0, start: float = 0.0) -> list[float]:
    """Return `steps` + 1 increasing times from `start` (0 is pure noise) to 1. A `shift` over 1 puts more of them near
    noise.
    """
    begin = shift * start / (1 - start + shift * start)
    even = [begin + (1 - begin) * i / steps for i in range(steps + 1)]
    return [u / (u + shift * (1 - u)) for u in even]


def sample(predict: Callable[[Array, float], Array], z: Array, moments: list[float]) -> Iterator[Array]:
    """Sample from `z`, at time `moments[0]`, to time 1, and yield each clean estimate in -1..1. The last one is the
    picture.

    `predict(z, t)` returns a clean estimate of the shape of `z`. The second-order correction uses the previous
    estimate: the first step has none, and from pure noise (lambda = -inf) neither has the second.
    """
    last: Array | None = None
    last_lambda = -math.inf
    for t, later in pairwise(moments):
        x = np.clip(predict(z, t), -1, 1)
        yield x
        now, then = _lambda(t), _lambda(later)
        slope = (then - now) / (2 * (now - last_lambda)) if last is not None and math.isfinite(then) else 0.0
        d = x if last is None else x + np.float32(slope) * (x - last)
        shrink = (1 - later) / (1 - t)
        z = np.float32(shrink) * z + np.float32(later - t * shrink) * d
        last, last_lambda = x, now


def _lambda(t: float) -> float:
    if t <= 0:
        return -math.inf
    return math.log(t / (1 - t)) if t < 1 else math.inf
