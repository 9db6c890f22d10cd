"""What the camera sees: covered, steady, where it was asked to look."""

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.media.files import keep
from engine.media.video import CancelOrTimeout, probe, write_frames
from engine.tasks.film.camera.canvas import Picture, cover_frame, fill_frame, split_planes, to_planes
from engine.tasks.film.camera.motion import CameraPath, Motion, View, ease, plan_path
from engine.tasks.film.camera.saliency import find_focus
from engine.tasks.film.camera.shots import ClipShot, PictureShot, to_frame
from engine.tasks.film.camera.transitions import TRANSITION_FRAMES, blend_frames
from engine.tasks.film.film import SIZES, Card
from engine.tasks.film.scripts.script import Transition

SIZE = SIZES["wide"]


def disc(width: int = 1200, height: int = 700, x: float = 0.7, y: float = 0.5) -> Picture:
    picture = np.full((height, width, 3), (40, 60, 90), np.uint8)
    cv2.circle(picture, (round(x * width), round(y * height)), height // 8, (255, 240, 120), -1, cv2.LINE_AA)
    return picture


def middle(luma: Picture) -> tuple[float, float]:
    """Of what is bright, in parts of a pixel."""
    bright = (luma.astype(np.float64) - 140).clip(0)
    y, x = np.mgrid[: luma.shape[0], : luma.shape[1]]
    return float((bright * x).sum() / bright.sum()), float((bright * y).sum() / bright.sum())


def shot(motion: Motion, weights: Path, count: int = 60, seed: int = 1) -> PictureShot:
    return PictureShot(disc(), SIZE, count, motion=motion, seed=seed, weights=weights)


def test_colours_are_those_of_the_picture_in_bt709() -> None:
    white, red = to_planes(np.full((4, 4, 3), 255, np.uint8)), to_planes(np.full((4, 4, 3), (255, 0, 0), np.uint8))
    assert (white.luma[0, 0], white.blue[0, 0], white.red[0, 0]) == (235, 128, 128)
    assert (red.luma[0, 0], red.blue[0, 0], red.red[0, 0]) == (63, 102, 240)


def test_what_stands_out_is_where_the_camera_looks(weights: Path) -> None:
    found = find_focus(disc(x=0.7, y=0.4), weights)
    assert found.x == pytest.approx(0.7, abs=0.08)
    assert found.y == pytest.approx(0.4, abs=0.1)
    assert found.depth[round(0.4 * len(found.depth)), round(0.7 * found.depth.shape[1])] > 0.6
    assert found.depth[4, 4] < 0.2


def test_a_face_is_what_a_picture_is_of(weights: Path) -> None:
    skimage = pytest.importorskip("skimage.data")
    found = find_focus(skimage.astronaut(), weights)
    assert found.has_face
    assert [found.x, found.y] == pytest.approx([0.43, 0.22], abs=0.08)


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_shoulders_are_near_on_the_side_of_the_chin(weights: Path, quarter: int) -> None:
    skimage = pytest.importorskip("skimage.data")
    found = find_focus(np.ascontiguousarray(np.rot90(skimage.astronaut(), quarter)), weights)
    upright = np.rot90(found.depth, -quarter)
    assert found.has_face
    chest, above = upright[round(0.6 * len(upright)), round(0.43 * len(upright))], upright[3, -3]
    assert chest > 0.6 > above


@pytest.mark.parametrize("size", [(300, 900), (900, 300), (64, 64), (4000, 2000)])
def test_a_picture_of_any_shape_covers_the_frame(size: tuple[int, int]) -> None:
    covered = cover_frame(disc(*size), SIZE, 1.2, (0.5, 0.5))
    assert covered.shape[1] >= SIZE[0] * 1.2 - 2
    assert covered.shape[0] >= SIZE[1] * 1.2 - 2
    assert covered.shape[0] % 2 == covered.shape[1] % 2 == 0


@pytest.mark.parametrize("motion", ["pan", "zoom"])
def test_the_camera_moves_evenly_in_parts_of_a_pixel(motion: Motion, weights: Path) -> None:
    """Between two frames the disc moves about as far as between the two before: nothing trembles."""
    seen = shot(motion, weights)
    places = np.array([middle(split_planes(seen.frame(number)).luma) for number in range(20, 40)])
    steps = np.diff(places, axis=0)
    assert np.abs(steps).max() > 0.3
    assert np.abs(np.diff(steps, axis=0)).max() < 0.15


def test_a_still_does_not_move(weights: Path) -> None:
    seen = shot("still", weights)
    assert np.array_equal(seen.frame(0), seen.frame(59))


def test_in_parallax_what_is_near_moves_beside_what_is_far(weights: Path) -> None:
    first, last = (split_planes(shot("parallax", weights).frame(number)).luma for number in (0, 59))
    plain = shot("zoom", weights)
    assert not np.array_equal(first, last)
    assert abs(middle(last)[0] - middle(first)[0]) > 4
    assert plain.frame(0).shape == (SIZE[1] * 3 // 2, SIZE[0])


@pytest.mark.parametrize("motion", ["still", "pan", "zoom", "parallax"])
def test_cards_stand_where_the_scene_begins_and_ends(motion: Motion, weights: Path) -> None:
    """A crossfade between them shows one disc and not two."""

    def placed(card: Card | None, number: int) -> tuple[float, float]:
        seen = PictureShot(disc(), SIZE, 60, motion=motion, seed=1, weights=weights, card=card)
        luma = split_planes(seen.frame(number)).luma.astype(np.float64)
        bright = (luma - luma.mean() * 1.5).clip(0)
        y, x = np.mgrid[: luma.shape[0], : luma.shape[1]]
        return float((bright * x).sum() / bright.sum()), float((bright * y).sum() / bright.sum())

    assert placed("title", 59) == pytest.approx(placed(None, 0), abs=8)
    assert placed("credits", 0) == pytest.approx(placed(None, 59), abs=8)
    assert placed("title", 0) != pytest.approx(placed("title", 59), abs=2)


def test_a_way_begins_and_ends_gently_and_stays_inside_the_picture() -> None:
    assert [ease(0), ease(0.5), ease(1)] == pytest.approx([0, 0.5, 1])
    assert ease(0.02) < 0.01
    for motion in ("still", "pan", "zoom", "parallax"):
        for seed in range(6):
            path = plan_path(motion, (0.95, 0.02), (1.2, 1.0), seed)
            for view in (path.start, path.at(0.5), path.end):
                assert view.x - view.width / 1.2 / 2 >= -1e-9
                assert view.x + view.width / 1.2 / 2 <= 1 + 1e-9
                assert view.y - view.width / 2 >= -1e-9
                assert view.y + view.width / 2 <= 1 + 1e-9


def test_a_zoom_keeps_its_target_on_a_straight_line() -> None:
    path = CameraPath(View(0.5, 0.5, 1.0), View(0.7, 0.4, 0.8))
    between = path.at(0.5)
    assert (between.x - 0.5) / 0.2 == pytest.approx((0.5 - between.y) / 0.1)
    assert between.width == pytest.approx((1.0 * 0.8) ** 0.5)


class Plain:
    """A shot of one colour."""

    def __init__(self, grey: int, count: int) -> None:
        self.count = count
        self._frame = to_frame(np.full((72, 128, 3), grey, np.uint8))

    def frame(self, _: int) -> Picture:
        return self._frame

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("transition", "mixed"),
    [("cut", 0), ("crossfade", TRANSITION_FRAMES["crossfade"]), ("wipe", TRANSITION_FRAMES["wipe"])],
)
def test_a_transition_is_in_the_first_frames_of_the_next_scene(transition: Transition, mixed: int) -> None:
    levels = [float(frame[:72].mean()) for frame in blend_frames(Plain(255, 40), Plain(0, 40), transition)]
    assert len(levels) == 40
    assert levels[mixed:] == [235.0] * (40 - mixed)
    assert all(16 <= level < 235 for level in levels[:mixed])
    assert levels == sorted(levels)


STRIPS = [(1, 10_000), (10_000, 1), (1, 3_000_000), (3, 4000)]
"""Sizes of pictures that would take gigabytes if they were scaled before they are cut."""


@pytest.mark.parametrize("size", STRIPS)
def test_a_strip_is_cut_before_it_is_scaled(size: tuple[int, int]) -> None:
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    covered = cover_frame(picture, SIZE, 1.2, (0.5, 0.5))
    filled = fill_frame(picture, SIZE, (0.9, 0.1))
    assert SIZE[0] * 1.2 - 2 <= covered.shape[1] <= SIZE[0] * 1.8
    assert SIZE[1] * 1.2 - 2 <= covered.shape[0] <= SIZE[1] * 1.8
    assert filled.shape[1::-1] == SIZE


def test_of_a_strip_the_part_around_the_focus_is_seen() -> None:
    picture = np.zeros((10_000, 2, 3), np.uint8)
    picture[7900:8100] = 255
    assert fill_frame(picture, SIZE, (0.5, 0.8)).min() == 255
    assert fill_frame(picture, SIZE, (0.5, 0.2)).max() == 0


@pytest.mark.parametrize("motion", ["zoom", "still", "parallax"])
def test_a_strip_moves_as_other_pictures_do(motion: Motion, weights: Path) -> None:
    picture = np.full((10_000, 1, 3), 200, np.uint8)
    shot = PictureShot(picture, SIZE, 10, motion=motion, seed=1, weights=weights)
    assert shot.frame(0).shape == shot.frame(9).shape == (SIZE[1] * 3 // 2, SIZE[0])


def test_a_clip_that_is_a_strip_is_cut_before_it_is_scaled(tmp_path: Path) -> None:
    path = tmp_path / "strip.mp4"
    write_frames([np.full((1920, 2, 3), 200, np.uint8)] * 3, path, 30, CancelOrTimeout())
    found = probe(path, "video/mp4").video
    assert found is not None
    with closing(ClipShot(keep(path, tmp_path), found, SIZE, 3, CancelOrTimeout())) as shot:
        assert shot.frame(2).shape == (SIZE[1] * 3 // 2, SIZE[0])
