"""Faces in real photographs, by MediaPipe's own networks."""

import io

import numpy as np
import pytest
from PIL import Image

from engine.core.errors import MissingModel
from engine.vision.faces.face import LEFT_EYE, LIPS, OVAL, RIGHT_EYE, Face
from engine.vision.faces.reader import FaceReader
from engine.weights import registry
from tests import samples


@pytest.fixture(scope="module")
def reader() -> FaceReader:
    return FaceReader(registry.FOLDER)


def only(faces: tuple[Face, ...]) -> Face:
    (face,) = faces
    return face


def test_a_face_is_found_where_it_is_with_its_points_in_place(reader: FaceReader) -> None:
    face = only(reader.faces(samples.astronaut()))
    assert face.points.shape == (468, 3)
    assert face.box == pytest.approx((177, 65, 274, 177), abs=6)
    assert np.abs(face.eyes - [[204, 103], [246, 104]]).max() < 5
    assert np.abs(face.points[list(LIPS), :2].mean(axis=0) - [226, 143]).max() < 5
    assert abs(face.yaw) < 10
    assert abs(np.degrees(face.roll)) < 8


def test_the_six_of_a_group_are_numbered_from_left_to_right(reader: FaceReader) -> None:
    faces = reader.faces(samples.six())
    middles = [(face.box[0] + face.box[2]) / 2 for face in faces]
    assert middles == pytest.approx([112, 318, 520, 795, 955, 1175], abs=20)
    assert all(abs(face.yaw) < 55 for face in faces)


@pytest.mark.parametrize("picture", [samples.cat(), samples.coffee(), np.zeros((64, 48, 3), np.uint8)])
def test_a_cat_a_cup_and_an_empty_picture_have_no_faces(reader: FaceReader, picture: samples.Picture) -> None:
    assert reader.find_faces(picture) == ()


@pytest.mark.parametrize("quality", [30, 40, 75, 92])
def test_a_cat_is_not_a_face_at_any_quality_and_people_are(reader: FaceReader, quality: int) -> None:
    def sent(picture: samples.Picture) -> samples.Picture:
        held = io.BytesIO()
        Image.fromarray(picture).save(held, "JPEG", quality=quality)
        return np.asarray(Image.open(held))

    assert reader.find_faces(sent(samples.cat())) == ()
    assert len(reader.faces(sent(samples.six()))) == 6


def test_a_profile_has_a_large_yaw(reader: FaceReader) -> None:
    assert only(reader.find_faces(samples.cameraman())).yaw > 40


@pytest.mark.parametrize("turned", [-35, -15, 15, 35])
def test_a_turned_head_gives_turned_points(reader: FaceReader, turned: float) -> None:
    plain = only(reader.faces(samples.astronaut()))
    picture = np.asarray(
        Image.fromarray(samples.astronaut()).rotate(-turned, Image.Resampling.BICUBIC, center=(226, 120))
    )
    face = only(reader.faces(picture))
    assert np.degrees(face.roll - plain.roll) == pytest.approx(turned, abs=4)
    angle = np.radians(turned)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    expected = (plain.points[:, :2] - [226, 120]) @ turn.T + [226, 120]
    assert np.linalg.norm(face.points[:, :2] - expected, axis=1).mean() < 3


def turned_astronaut(degrees: float) -> samples.Picture:
    """The astronaut turned clockwise around her face, grey where nothing is left."""
    image = Image.fromarray(samples.astronaut())
    return np.asarray(image.rotate(-degrees, Image.Resampling.BICUBIC, center=(226, 120), fillcolor=(128, 128, 128)))


@pytest.mark.parametrize("degrees", range(0, 360, 45))
def test_a_head_at_any_angle_is_one_face_with_that_angle(reader: FaceReader, degrees: int) -> None:
    plain, face = only(reader.faces(samples.astronaut())), only(reader.faces(turned_astronaut(degrees)))
    away = (np.degrees(face.roll - plain.roll) - degrees + 180) % 360 - 180
    assert abs(away) < 4
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    expected = (plain.points[:, :2] - [226, 120]) @ turn.T + [226, 120]
    assert np.linalg.norm(face.points[:, :2] - expected, axis=1).mean() < 3
    assert face.width == pytest.approx(plain.width, rel=0.04)


def test_one_of_many_faces_may_be_upside_down(reader: FaceReader) -> None:
    picture = samples.six().copy()
    picture[:300, 800:1100] = picture[:300, 800:1100][::-1, ::-1]
    upside_down = [abs(np.degrees(face.roll)) > 120 for face in reader.faces(picture)]
    assert upside_down == [False, False, False, False, True, False]


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_a_cat_and_a_cup_are_not_faces_at_any_rotation(reader: FaceReader, quarter: int) -> None:
    for picture in (samples.cat(), samples.coffee()):
        assert reader.find_faces(np.ascontiguousarray(np.rot90(picture, quarter))) == ()


@pytest.mark.parametrize("cut", [0, 18])
def test_an_upside_down_head_at_the_edge_and_one_that_fills_the_picture_are_found(reader: FaceReader, cut: int) -> None:
    whole = np.ascontiguousarray(np.rot90(samples.astronaut(), 2))
    edge = whole[: 447 - cut] if cut else whole[335:445, 236:334]
    assert abs(np.degrees(only(reader.find_faces(edge)).roll)) > 170


def test_an_upside_down_head_is_tracked(reader: FaceReader) -> None:
    picture = turned_astronaut(180)
    face = only(reader.faces(picture))
    moved = reader.track(np.roll(picture, (5, 8), axis=(0, 1)), face)
    assert moved is not None
    assert (moved.points - face.points)[:, :2].mean(axis=0) == pytest.approx([8, 5], abs=1)


def test_points_scale_with_the_picture(reader: FaceReader) -> None:
    small = only(reader.faces(samples.astronaut()))
    large = only(reader.faces(np.asarray(Image.fromarray(samples.astronaut()).resize((1536, 1536)))))
    assert np.abs(large.points[:, :2] / 3 - small.points[:, :2]).mean() < 1


def test_a_small_face_is_found_in_a_part_of_the_picture(reader: FaceReader) -> None:
    page = np.full((1600, 1600, 3), 128, np.uint8)
    page[1000:1250, 200:450] = np.asarray(Image.fromarray(samples.astronaut()).resize((250, 250)))
    face = only(reader.find_faces(page))
    assert face.points[:, 0].mean() == pytest.approx(200 + 226 * 250 / 512, abs=6)


def test_a_face_that_fills_the_picture_is_found(reader: FaceReader) -> None:
    face = only(reader.find_faces(samples.astronaut()[70:180, 178:276]))
    assert np.abs(face.eyes - [[26, 33], [68, 34]]).max() < 6


def test_a_face_is_tracked_to_the_next_frame_and_its_loss_is_noticed(reader: FaceReader) -> None:
    picture = samples.astronaut()
    face = only(reader.faces(picture))
    moved = reader.track(np.roll(picture, (5, 8), axis=(0, 1)), face)
    assert moved is not None
    assert (moved.points - face.points)[:, :2].mean(axis=0) == pytest.approx([8, 5], abs=1)
    assert reader.track(np.full_like(picture, 128), face) is None


def test_an_open_mouth_and_open_eyes_are_measured(reader: FaceReader) -> None:
    faces = reader.faces(samples.six())
    smiling, shut = faces[3], faces[0]
    assert smiling.mouth_opening > 0.04 > shut.mouth_opening
    assert all(0.1 < opening < 0.6 for opening in only(reader.faces(samples.astronaut())).eye_opening)


def test_outlines_contain_no_point_twice() -> None:
    for rim in (OVAL, LIPS, LEFT_EYE, RIGHT_EYE):
        assert len(set(rim)) == len(rim)


def test_missing_weights_are_reported_with_the_command_that_fetches_them(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with pytest.raises(MissingModel, match="weights --fetch mediapipe-faces"):
        FaceReader(tmp_path_factory.mktemp("none"))


@pytest.mark.parametrize("size", [(1, 10_000), (10_000, 1), (1, 300_000)])
def test_a_strip_has_no_face_and_needs_no_gigabytes_of_border(reader: FaceReader, size: tuple[int, int]) -> None:
    assert reader.find_faces(np.full((*size, 3), 120, np.uint8)) == ()
