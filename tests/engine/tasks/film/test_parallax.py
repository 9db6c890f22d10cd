"""Parallax by a measured depth: what is near moves as a whole, and nothing is torn or folded at its edges."""

import cv2
import numpy as np
import pytest

from engine.tasks.film.camera.canvas import Frame, new_frame, split_planes, to_planes
from engine.tasks.film.camera.parallax import ITERATIONS, MAX_SHIFT, STILL_DEPTH, DepthWarp, smooth_depth

SIZE = (640, 360)


def bent(picture: np.ndarray, depth: np.ndarray, moved: float) -> Frame:
    """The luma of the picture as an eye sees it that has moved to a side."""
    frame = new_frame(SIZE)
    DepthWarp(smooth_depth(depth), to_planes(picture), SIZE).warp(split_planes(frame), 1.0, (0.0, 0.0), (moved, 0.0))
    return split_planes(frame).luma


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


@pytest.mark.parametrize("moved", [-1.0, 0.4, 1.0])
def test_places_found_on_a_coarse_grid_show_what_each_pixels_own_place_would(moved: float) -> None:
    rough = np.random.default_rng(1).integers(0, 255, (*SIZE[::-1], 3), np.uint8)
    picture = cv2.normalize(cv2.GaussianBlur(rough, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    depth = smooth_depth(pole()[1])
    seen = bent(picture, pole()[1], moved)
    near = cv2.resize(depth, SIZE, interpolation=cv2.INTER_CUBIC) - STILL_DEPTH
    across, down = np.meshgrid(*[np.arange(side, dtype=np.float32) for side in SIZE])
    x = across
    for _ in range(ITERATIONS + 1):
        x = across - MAX_SHIFT * SIZE[0] * moved * cv2.remap(
            near, x, down, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE
        )
    own = cv2.remap(to_planes(picture).luma, x, down, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    apart = np.abs(seen.astype(int) - own)
    assert np.percentile(apart, 99.9) <= 1
    assert apart.max() <= 4
