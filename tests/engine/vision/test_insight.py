"""The full tier's faces and its swap, with networks of InsightFace's shapes and random weights, on the CPU."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from insightface.app.common import Face as TheirFace
from insightface.model_zoo.inswapper import INSwapper
from insightface.utils import face_align
from numpy.typing import NDArray
from torch.nn import functional

from engine.core.errors import MissingModel
from engine.tasks.faceswap.inswapper import paste
from engine.tasks.faceswap.inswapper import swapper as full
from engine.tasks.faceswap.inswapper.paste import Place
from engine.tasks.faceswap.inswapper.swapper import InsightSwapper, Inswapper, begin, place_crop
from engine.torch_support.onnx import TorchSession
from engine.vision.faces.alignment import arcface_points, estimate_similarity
from engine.vision.faces.insight import InsightReader, KeyFace
from engine.vision.faces.quarters import restore_points
from tests import samples, tiny_faces

pytestmark = pytest.mark.filterwarnings("ignore:`estimate` is deprecated:FutureWarning")  # InsightFace's own alignment
Picture = NDArray[np.uint8]
FIVE = np.array([[204, 103], [246, 104], [225, 125], [208, 143], [244, 143]], np.float32)
"""Of the astronaut."""
MARKS = np.array(tiny_faces.MARKS, np.float32) * 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_faces.folder(tmp_path_factory.mktemp("insightface"))


@pytest.fixture(scope="module")
def swapper(folder: Path) -> InsightSwapper:
    return InsightSwapper(folder, "cpu")


def patched(*corners: tuple[int, int], size: tuple[int, int] = (640, 640)) -> Picture:
    """Noise, with a green patch of 32 x 32 at each corner, on which the small detector sees a face."""
    picture = np.random.default_rng(0).integers(90, 160, (*size, 3), np.uint8)
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 3))
    for x, y in corners:
        picture[y : y + 32, x : x + 32] = (20, 250, 20)
    made: Picture = picture
    return made


def test_faces_are_found_with_their_marks_from_left_to_right(folder: Path) -> None:
    faces = InsightReader(folder / "buffalo_l", "cpu").detect_fast(patched((384, 224), (96, 320)))
    assert [face.box[0] for face in faces] == pytest.approx([96 - 1.8 * 32, 384 - 1.8 * 32], abs=1)
    np.testing.assert_allclose(faces[0].marks, MARKS + np.array([96, 320]), atol=0.5)
    assert abs(faces[0].yaw) < 1
    assert faces[0].share_outside((640, 640)) == 0


def test_an_embedding_matches_insightface_under_onnx_runtime_and_torch(folder: Path) -> None:
    reader, picture = InsightReader(folder / "buffalo_l", "cpu"), samples.astronaut()
    face = reader.detect_fast(patched((96, 320)))[0].with_marks(FIVE)
    plain = reader.embedding(picture, face)
    reader._run_on("cpu")
    np.testing.assert_allclose(reader.embedding(picture, face), plain, atol=1e-4)
    theirs = TheirFace(kps=FIVE)
    reader._analysis.models["recognition"].get(np.ascontiguousarray(picture[..., ::-1]), theirs)
    assert float(theirs.normed_embedding @ plain) > 0.99
    assert np.linalg.norm(plain) == pytest.approx(1, abs=1e-4)
    assert len(reader.detect_fast(patched((96, 320)))) == 1


@pytest.mark.parametrize("side", [112, 128, 256])
def test_alignment_matches_insightface(side: int) -> None:
    np.testing.assert_allclose(
        estimate_similarity(FIVE, arcface_points(side)), face_align.estimate_norm(FIVE, side), atol=1e-3
    )


def test_a_crop_and_its_paste_back_match_insightface() -> None:
    picture, marks = samples.astronaut(), FIVE
    theirs, move = face_align.norm_crop2(picture, marks, 128)
    place = Place.of(estimate_similarity(marks, arcface_points(128)), 128, picture.shape)
    assert place is not None
    box = tensor(place.of_picture(picture))
    out, way = place.sampling_grids(torch.device("cpu"))
    ours = paste.upright(box, out)[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(ours - theirs)[4:-4, 4:-4].mean() < 1.5
    back = paste.paste_back(paste.upright(box, out), box, way, 1.0)
    assert (back - box).abs().mean() * 255 < 3
    plain = cv2.warpAffine(theirs, cv2.invertAffineTransform(move), picture.shape[1::-1])
    whole = paste.paste_back(tensor(theirs), box * 0, way, 1.0)[0].permute(1, 2, 0).numpy() * 255
    middle = slice(int(80 - place.top), int(160 - place.top)), slice(int(195 - place.left), int(255 - place.left))
    assert np.abs(whole[middle] - place.of_picture(plain)[middle]).mean() < 1.5


def put(swapper: InsightSwapper, identity: torch.Tensor, picture: Picture, face: KeyFace, blend: float) -> None:
    begun = swapper.begin(identity, picture, face, blend)
    if begun:
        begun.finish()


def tensor(picture: Picture) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 255


def test_the_swapped_face_matches_insightface(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle, where both masks are whole, without our colours."""
    monkeypatch.setattr(full, "match_colours", lambda after, _: after)
    picture, marks = samples.astronaut(), FIVE
    embedding = np.random.default_rng(1).standard_normal(512).astype(np.float32)
    peer = INSwapper(str(folder / "inswapper_128.onnx"), TorchSession(folder / "inswapper_128.onnx", "cpu"))
    source, target = TheirFace(embedding=embedding), TheirFace(kps=marks)
    theirs = peer.get(np.ascontiguousarray(picture[..., ::-1]), target, source)[..., ::-1]
    network, ours = Inswapper(folder / "inswapper_128.onnx", "cpu"), picture.copy()
    place = place_crop(marks, ours)
    assert place
    begin(network, network.to_latent(embedding / np.linalg.norm(embedding)), ours, place, 1.0).finish()
    middle = np.s_[100:150, 205:245]
    assert np.abs(ours[middle].astype(int) - theirs[middle]).mean() < 2
    assert np.abs(ours[middle].astype(int) - picture[middle]).mean() > 5


@pytest.mark.parametrize("side", [128, 256])
@pytest.mark.parametrize("blend", [0.6, 1.0])
def test_the_sampling_grid_matches_torchs_affine_grid(folder: Path, side: int, blend: float) -> None:
    """Within one level, for faces of several sizes, turned, and cut by the edge."""
    network = Inswapper(folder / "inswapper_128.onnx", "cpu")
    latent = network.to_latent(np.eye(512, dtype=np.float32)[0])
    picture = samples.astronaut()
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]], np.float32)
    for marks in (
        FIVE,
        FIVE * 2 - 150,
        (FIVE - FIVE.mean(axis=0)) @ turn.T * 1.4 + 90,
        FIVE - np.array([190, 60], np.float32),
    ):
        ours, place = picture.copy(), place_crop(marks, picture, side)
        assert place
        begin(network, latent, ours, place, blend).finish()
        apart = np.abs(ours.astype(int) - plainly_put(network, latent, picture, place, blend))
        assert apart.max() <= 1
        assert (ours != picture).mean() > 0.01


@torch.inference_mode()
def plainly_put(network: Inswapper, latent: torch.Tensor, picture: Picture, place: Place, blend: float) -> Picture:
    """Every step by itself, with torch's `affine_grid`."""
    side, (high, wide) = place.side, place.shape
    box = tensor(place.of_picture(picture))
    whole = np.vstack([place.move, [0, 0, 1]]) @ [[1, 0, place.left], [0, 1, place.top], [0, 0, 1]]

    def units(width: int, height: int) -> NDArray[np.float64]:
        return np.array([[width / 2, 0, width / 2 - 0.5], [0, height / 2, height / 2 - 0.5], [0, 0, 1]])

    def sampled(image: torch.Tensor, move: NDArray[np.float64], size: tuple[int, int], padding: str) -> torch.Tensor:
        theta = np.linalg.inv(units(image.shape[3], image.shape[2])) @ move @ units(*size)
        grid = functional.affine_grid(
            torch.from_numpy(theta[None, :2].astype(np.float32)), [1, 1, size[1], size[0]], align_corners=False
        )
        return functional.grid_sample(image, grid, padding_mode=padding, align_corners=False)

    before = sampled(box, np.linalg.inv(whole), (side, side), "border")
    after, mask = full._swap_tiles(network, before, latent), paste._mask(side, 1.0, torch.device("cpu"))

    def told(face: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean = (face * mask).sum(dim=(2, 3), keepdim=True) / mask.sum()
        return mean, (((face - mean) ** 2 * mask).sum(dim=(2, 3), keepdim=True) / mask.sum()).sqrt()

    (mean, spread), (aim, width) = told(after), told(before)
    face = ((after - mean) * (width / spread.clamp(min=1e-3)).clamp(*paste.SPREAD) + aim).clamp(0, 1)
    back, alpha = (sampled(one, whole, (wide, high), "zeros") for one in (face, mask))
    made = picture.copy()
    place.of_picture(made)[...] = (
        ((box + alpha * blend * (back - box)) * 255 + 0.5).clamp(0, 255).byte()[0].permute(1, 2, 0).numpy()
    )
    return made


def test_a_swap_over_an_unfinished_one_includes_it(swapper: InsightSwapper) -> None:
    picture = patched((320, 224))
    (face,) = swapper.faces(picture)
    identity, near = swapper.identity(picture, face), face.with_marks(face.marks + np.float32(40))
    one_by_one, at_once = picture.copy(), picture.copy()
    for each in (face, near):
        put(swapper, identity, one_by_one, each, 1.0)
    begun = [swapper.begin(identity, at_once, each, 1.0) for each in (face, near)]
    for one in begun:
        assert one
        one.finish()
    assert (at_once == one_by_one).all()


def test_nothing_changes_beyond_the_box_and_half_a_blend_is_half_way(swapper: InsightSwapper) -> None:
    picture = patched((320, 224))
    (face,) = swapper.faces(picture)
    identity = swapper.identity(picture, face)
    made = {}
    for blend in (0.0, 0.5, 1.0):
        made[blend] = picture.copy()
        put(swapper, identity, made[blend], face, blend)
    assert (made[0.0] == picture).all()
    assert np.abs(made[0.5] - (made[1.0].astype(float) + picture) / 2).max() <= 1
    rows, columns = (made[1.0] != picture).any(axis=2).nonzero()
    assert 180 < columns.min() < columns.max() < 470
    assert 100 < rows.min() < rows.max() < 390


def test_the_colours_match_the_target(swapper: InsightSwapper) -> None:
    picture = patched((320, 224))
    (face,) = swapper.faces(picture)
    made = picture.copy()
    put(swapper, swapper.identity(picture, face), made, face, 1.0)
    there = np.s_[200:280, 290:370]
    assert np.abs(made[there].mean(axis=(0, 1)) - picture[there].mean(axis=(0, 1))).max() < 25


def test_a_large_face_is_done_in_four_interleaved_parts(
    swapper: InsightSwapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []

    def unchanged(_: Inswapper, faces: torch.Tensor, __: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(faces.shape))
        return faces

    monkeypatch.setattr(Inswapper, "swap", unchanged)
    picture = samples.astronaut()
    picture = cv2.resize(picture, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    marks = FIVE * 4
    made = picture.copy()
    face = KeyFace((0, 0, 1, 1), marks, 1.0)
    put(swapper, torch.zeros(1, 512), made, face, 1.0)
    swapper.begin(torch.zeros(1, 512), picture.copy(), face, 1.0, fine=False)
    assert seen == [(4, 3, 128, 128), (1, 3, 128, 128)]
    assert np.abs(made.astype(int) - picture).mean() < 1, "what the network leaves comes back as it was"


def test_a_face_is_tracked_with_one_detection_per_frame(
    swapper: InsightSwapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Picture] = []
    find = InsightReader.detect_at_roll

    def counted(reader: InsightReader, picture: Picture, roll: float) -> tuple[KeyFace, ...]:
        looks.append(picture)
        return find(reader, picture, roll)

    monkeypatch.setattr(InsightReader, "detect_at_roll", counted)
    first, second = patched((96, 96), (384, 384)), patched((128, 96))
    one, two = swapper.detect_fast(first)
    moved = swapper.track(second, one)
    assert moved is not None
    assert moved.marks[2, 0] == pytest.approx(one.marks[2, 0] + 32, abs=1)
    assert swapper.track(second, two) is None
    assert len(looks) == 1


def with_chin(quarter: int) -> Picture:
    """A face that is turned clockwise by so many quarter turns: a green patch with its blue chin below it."""
    picture = patched((320, 224))
    picture[256:288, 320:352] = (20, 20, 250)
    return np.ascontiguousarray(np.rot90(picture, -quarter))


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_a_face_is_found_once_and_at_its_own_angle(swapper: InsightSwapper, quarter: int) -> None:
    picture = with_chin(quarter)
    for faces in (swapper.faces(picture), swapper.detect_fast(picture)):
        (face,) = faces
        assert np.degrees(face.roll) % 360 == pytest.approx(90 * quarter, abs=1)
        chin = face.marks[3:].mean(axis=0) - face.marks[:2].mean(axis=0)
        turned = {0: (0, 1), 1: (-1, 0), 2: (0, -1), 3: (1, 0)}[quarter]
        assert chin / np.linalg.norm(chin) == pytest.approx(turned, abs=0.05)
        assert abs(face.yaw) < 1
        assert face.width == pytest.approx(3.6 * 32, abs=2)


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_the_embedding_and_the_swap_turn_with_the_face(swapper: InsightSwapper, quarter: int) -> None:
    upright, turned = with_chin(0), with_chin(quarter)
    (face,) = swapper.faces(upright)
    other = face.with_marks(restore_points(face.marks, turned.shape, quarter))
    assert float(swapper.embedding(upright, face) @ swapper.embedding(turned, other)) > 0.999
    identity, made = swapper.identity(upright, face), [upright.copy(), turned.copy()]
    put(swapper, identity, made[0], face, 1.0)
    put(swapper, identity, made[1], other, 1.0)
    assert (made[0] != upright).any()
    assert np.abs(np.rot90(made[1], quarter).astype(int) - made[0]).max() <= 1


def test_a_head_that_rolls_over_is_tracked_at_its_own_angle(swapper: InsightSwapper) -> None:
    (face,) = swapper.detect_fast(with_chin(2))
    again = swapper.track(np.roll(with_chin(2), 8, axis=1), face)
    assert again is not None
    assert np.degrees(again.roll) % 360 == pytest.approx(180, abs=1)


def test_a_face_at_the_edge_is_put_back_as_far_as_the_picture_goes(swapper: InsightSwapper) -> None:
    picture = patched((320, 224))
    (face,) = swapper.faces(picture)
    identity = swapper.identity(picture, face)
    for away in ([-330, 0], [0, -230], [-2000, 0]):
        made = picture.copy()
        put(swapper, identity, made, face.with_marks(face.marks + np.array(away, np.float32)), 1.0)
        assert (made != picture).any() == (away[0] > -1000)


@pytest.mark.parametrize("broken", ["inswapper_128.onnx", "buffalo_l/det_10g.onnx", "buffalo_l/w600k_r50.onnx"])
def test_an_incomplete_folder_is_reported(tmp_path: Path, broken: str) -> None:
    tiny_faces.folder(tmp_path)
    (tmp_path / broken).write_bytes(b"no network")
    with pytest.raises(MissingModel, match=r"The InsightFace networks cannot be loaded"):
        InsightSwapper(tmp_path, "cpu")
    (tmp_path / broken).unlink()
    with pytest.raises(MissingModel, match=r"The InsightFace networks cannot be loaded"):
        InsightSwapper(tmp_path, "cpu")
