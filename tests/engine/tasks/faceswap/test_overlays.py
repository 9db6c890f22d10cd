"""Overlays on the picture of the numbered faces."""

import numpy as np
import pytest

from engine.tasks.faceswap import overlays


@pytest.mark.parametrize("size", [(1, 10_000), (10_000, 1)])
def test_a_strip_is_shown_with_numbers(size: tuple[int, int]) -> None:
    assert max(overlays.draw_numbers(np.full((*size, 3), 120, np.uint8), [], []).shape) == overlays.MAX_SIDE_PIXELS
