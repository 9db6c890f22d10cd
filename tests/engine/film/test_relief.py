"""Parallax by a measured depth: what is near moves as a whole, and nothing is torn or folded at its edges."""

import cv2
import numpy as np
import pytest

from engine.film.canvas import Frame, empty, planes, split
from engine.film.relief import Relief, bodied

SIZE = (640, 360)


def bent(picture: np.ndarray, depth: np.ndarray, moved: float) -> Frame:
    """The luma of the picture as an eye sees it that has moved to a side."""
    frame = empty(SIZE)
    Relief(bodied(depth), SIZE, SIZE).bent(planes(picture), split(frame), 1.0, (0.0, 0.0), (moved, 0.0))
    return split(frame).luma


def pole() -> tuple[np.ndarray, np.ndarray]:
    """A bright pole, near, before far ground that grows brighter to the right; and their depth."""
    across = np.broadcast_to(np.linspace(0, 120, SIZE[0]), SIZE[::-1])
    picture = np.repeat(across[..., None], 3, axis=2).astype(np.uint8)
    depth = np.zeros(SIZE[::-1], np.uint8)
    for each in (picture, depth):
        cv2.rectangle(each, (300, 60), (330, 359), (255, 255, 255), -1)
    return picture, depth


@pytest.mark.parametrize("moved", [-1.0, 1.0])
def test_a_near_pole_moves_as_it_is_and_stays_straight(moved: float) -> None:
    picture, depth = pole()
    still, seen = bent(picture, depth, 0.0), bent(picture, depth, moved)
    rows = [np.flatnonzero(luma[200] > 180) for luma in (still, seen)]
    assert len(rows[1]) == pytest.approx(len(rows[0]), abs=1)
    assert len(rows[1]) == rows[1][-1] - rows[1][0] + 1  # one pole, with no hole in it
    assert abs(rows[1][0] - rows[0][0]) > 3
    edges = [np.flatnonzero(seen[row] > 180)[0] for row in range(90, 350)]
    assert max(edges) - min(edges) <= 1


@pytest.mark.parametrize("moved", [-1.0, -0.3, 0.6, 1.0])
def test_the_ground_is_stretched_at_an_edge_and_never_folded(moved: float) -> None:
    _, depth = pole()
    ramp = np.repeat(np.broadcast_to(np.linspace(0, 255, SIZE[0]), SIZE[::-1])[..., None], 3, axis=2).astype(np.uint8)
    steps = np.diff(bent(ramp, depth, moved).astype(int), axis=1)
    assert steps.min() >= 0  # from left to right no place comes twice
    assert steps.max() <= 2  # and none is left out
