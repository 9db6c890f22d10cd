"""The canvas of a picture that is extended beyond its edges."""

import numpy as np
import pytest

from engine.tasks.imagine.sdxl import inpaint_canvas


@pytest.mark.parametrize("towards", ["right", "left"])
def test_a_column_one_pixel_wide_can_be_extended(towards: str) -> None:
    made = inpaint_canvas.extending(np.full((10_000, 1, 3), 120, np.uint8), towards, 1024)
    assert made.page.shape[0] == 1024
    assert made.page.shape[1] >= 16
