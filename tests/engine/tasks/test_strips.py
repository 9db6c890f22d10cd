"""Pictures of one row or one column, wherever something is scaled or bordered by the longer side."""

import numpy as np
import pytest

from engine.tasks.faceswap import overlays
from engine.tasks.imagine.sdxl import inpaint_canvas
from engine.vision.faces.reader import FaceReader
from engine.weights import registry

SIZES = [(1, 10_000), (10_000, 1)]


@pytest.mark.parametrize("size", [*SIZES, (1, 300_000)])
def test_a_strip_has_no_face_and_no_edges_of_gigabytes(size: tuple[int, int]) -> None:
    reader = FaceReader(registry.FOLDER)
    assert reader.find_faces(np.full((*size, 3), 120, np.uint8)) == ()


@pytest.mark.parametrize("size", SIZES)
def test_a_strip_is_shown_with_numbers(size: tuple[int, int]) -> None:
    assert max(overlays.draw_numbers(np.full((*size, 3), 120, np.uint8), [], []).shape) == overlays.SIDE


@pytest.mark.parametrize("towards", ["right", "left"])
def test_a_column_is_continued(towards: str) -> None:
    made = inpaint_canvas.extending(np.full((10_000, 1, 3), 120, np.uint8), towards, 1024)
    assert made.page.shape[0] == 1024
    assert made.page.shape[1] >= 16
