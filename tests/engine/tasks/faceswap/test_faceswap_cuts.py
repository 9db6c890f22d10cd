"""Videos with cuts, dissolves and people who cross: the embedded tier recognises who is who by dlib's network."""

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from engine.core.job import Media, Result
from engine.media import video
from engine.media.files import keep
from engine.tasks.faceswap.mesh.swapper import MeshSwapper
from engine.tasks.faceswap.params import Params
from engine.tasks.faceswap.task import TASK
from engine.vision.faces.reader import FaceReader
from engine.vision.faces.recognition import Recogniser
from engine.weights import registry
from tests import samples
from tests.task_harness import TaskHarness

Picture = NDArray[np.uint8]
SIX = samples.six()
EILEEN, ROSS, MONICA = samples.astronaut()[10:250, 106:346], SIX[220:460, 400:640], SIX[120:330, 220:440]
SIDE, WIDTH, HEIGHT, RATE = 240, 800, 320, 25


def place_faces(*people: tuple[Picture, int], floor: int = 90) -> Picture:
    """A frame with people at their left edges, those later in front, on a grey of `floor`."""
    frame = np.full((HEIGHT, WIDTH, 3), floor, np.uint8)
    for person, left in people:
        frame[40 : 40 + SIDE, left : left + SIDE] = cv2.resize(person, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return frame


def darker(picture: Picture, part: float = 0.55) -> Picture:
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(picture)).enhance(part))


def as_jpeg(picture: Picture, quality: int) -> Picture:
    held = io.BytesIO()
    Image.fromarray(picture).save(held, "JPEG", quality=quality)
    return np.asarray(Image.open(held))


class Bench(TaskHarness):
    """Videos without sound, and what becomes of them."""

    def clip(self, frames: Sequence[Picture]) -> Media:
        path = self.folder / "clip.mp4"
        video.write_frames(frames, path, RATE, video.CancelOrTimeout(), None)
        return keep(path, self.folder / "media")

    def swap(self, frames: Sequence[Picture], face: str | None = None) -> tuple[Result, list[NDArray[np.bool_]]]:
        """The result, and for each frame where it changed to the eye, (H, W)."""
        target = self.clip(frames)
        result = TASK.run(Params(source=self.attach(MONICA), target=target, face=face), self.context)
        pairs = zip(decode_frames(target), decode_frames(result.media[0]), strict=True)
        return result, [np.abs(old.astype(int) - new).max(axis=2) > 12 for old, new in pairs]


def decode_frames(media: Media) -> list[Picture]:
    found = video.probe(media.path, media.mime).video
    assert found
    return list(video.read_frames(media.path, media.mime, found, video.CancelOrTimeout()))


def swapped_at(changed: NDArray[np.bool_], *lefts: int) -> list[bool]:
    """For each place of a person whether their face was swapped."""
    return [bool(changed[80:220, left + 60 : left + 180].mean() > 0.08) for left in lefts]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("ATELIER_WEIGHTS", str(registry.FOLDER.absolute()))
    return Bench(TASK, tmp_path)


def test_after_a_cut_another_in_the_same_place_is_left_and_the_same_one_elsewhere_is_swapped(bench: Bench) -> None:
    """Eileen; a cut to Ross where she was; a cut to her elsewhere, darker and as in a mirror."""
    first, second = place_faces((EILEEN, 40)), place_faces((ROSS, 40), floor=160)
    third = darker(place_faces((np.ascontiguousarray(EILEEN[:, ::-1]), 500), floor=60))
    result, changed = bench.swap([first] * 8 + [second] * 8 + [third] * 8)
    assert [swapped_at(one, 40, 500) for one in (changed[0], changed[7])] == [[True, False]] * 2
    assert not any(swapped_at(one, 40, 500)[0] for one in changed[8:16])
    assert all(swapped_at(one, 40, 500) == [False, True] for one in changed[16:])
    assert result.notes == ()


def test_in_a_shot_with_both_the_chosen_one_keeps_the_new_face(bench: Bench) -> None:
    """Face 2 of the first shot is face 1 of the second."""
    first, second = place_faces((ROSS, 40), (EILEEN, 500)), place_faces((EILEEN, 40), (ROSS, 500), floor=170)
    _, changed = bench.swap([first] * 6 + [second] * 6, face="2")
    assert all(swapped_at(one, 40, 500) == [False, True] for one in changed[:6])
    assert all(swapped_at(one, 40, 500) == [True, False] for one in changed[6:])


def test_after_a_dissolve_to_another_in_the_same_place_the_face_is_left(bench: Bench) -> None:
    first, second = place_faces((EILEEN, 40)), place_faces((ROSS, 40), floor=120)
    between = [cv2.addWeighted(first, 1 - part, second, part, 0) for part in np.linspace(0, 1, 16)]
    _, changed = bench.swap([first] * 6 + between + [second] * 16)
    assert swapped_at(changed[0], 40) == [True]
    assert not any(swapped_at(one, 40)[0] for one in changed[-5:])


def test_one_who_leaves_and_another_who_enters_there_are_not_taken_for_each_other(bench: Bench) -> None:
    leaving = [place_faces((EILEEN, left)) for left in range(40, 560, 40)]
    entering = [place_faces((ROSS, left)) for left in range(560, 40, -40)]
    _, changed = bench.swap([*[leaving[0]] * 4, *leaving, *[place_faces()] * 6, *entering, *[entering[-1]] * 14])
    assert swapped_at(changed[0], 40) == [True]
    assert not any(one[40:280].mean() > 0.004 for one in changed[-30:])


def test_two_who_cross_keep_their_faces(bench: Bench) -> None:
    """Eileen, face 1, goes to the right in front of Ross, who goes to the left."""
    steps = [(left, 540 - left) for left in range(20, 521, 20)]
    frames = [place_faces((ROSS, ross), (EILEEN, eileen)) for eileen, ross in steps]
    frames += [frames[-1]] * 14
    _, changed = bench.swap(frames, face="1")
    assert swapped_at(changed[0], 20, 520) == [True, False]
    assert all(swapped_at(one, 20, 520) == [False, True] for one in changed[-4:])
    assert sum(swapped_at(one, 520)[0] for one in changed) > 10


def test_a_head_that_rolls_over_in_a_video_is_followed_all_the_way(bench: Bench) -> None:
    image = Image.fromarray(samples.astronaut()[0:240, 106:346])
    turned = [
        np.asarray(image.rotate(-angle, Image.Resampling.BICUBIC, fillcolor=(90, 90, 90)))
        for angle in range(0, 361, 12)
    ]
    _, changed = bench.swap([place_faces((one, 40)) for one in turned])
    assert all(swapped_at(one, 40)[0] for one in changed)


def test_where_the_network_cannot_be_had_the_result_says_so(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One weights folder holds the faces' networks alone, and no registry answers."""
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "mediapipe-faces").symlink_to((registry.FOLDER / "mediapipe-faces").absolute())
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path / "weights"))
    for name in ("UV_OFFLINE", "PIP_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    alone = [place_faces((EILEEN, 40))] * 4 + [place_faces((EILEEN, 500), floor=170)] * 4
    (note,) = bench.swap(alone)[0].notes
    assert "People can't be recognised here. After a cut in target, the only face was assumed" in str(note)
    both = [place_faces((EILEEN, 40), (ROSS, 500))] * 4 + [place_faces((ROSS, 40), (EILEEN, 500), floor=170)] * 4
    result, changed = bench.swap(both, face="1")
    assert "it was unclear whose face is whose" in str(result.notes[-1])
    assert all(swapped_at(one, 40, 500) == [False, False] for one in changed[4:])


@pytest.fixture(scope="module")
def people() -> list[list[NDArray[np.float32]]]:
    """Of each of eight people the vectors of several pictures."""
    reader, recogniser = FaceReader(registry.FOLDER), Recogniser(registry.FOLDER)
    image = Image.fromarray(SIX)
    whole = [
        SIX,
        np.asarray(image.resize((640, 443))),
        as_jpeg(SIX, 40),
        np.ascontiguousarray(np.rot90(SIX, 2)),
    ]
    found = []
    for number, picture in enumerate(whole):
        faces = list(reader.faces(picture))
        assert len(faces) == 6
        found.append([recogniser.vector(picture, face) for face in (faces[::-1] if number == 3 else faces)])
    groups = [list(each) for each in zip(*found, strict=True)]
    for picture in (samples.astronaut(), samples.cameraman()):
        variants = [picture, darker(picture, 0.45), np.ascontiguousarray(picture[:, ::-1])]
        groups.append([recogniser.vector(one, reader.find_faces(one)[0]) for one in variants])
    return [[vector for vector in group if vector is not None] for group in groups]


def test_one_person_is_the_same_in_another_size_light_and_angle_and_two_are_not(
    people: list[list[NDArray[np.float32]]],
) -> None:
    same = [np.linalg.norm(one - other) for group in people for one in group for other in group]
    different = [
        np.linalg.norm(one - other)
        for place, group in enumerate(people)
        for another in people[place + 1 :]
        for one in group
        for other in another
    ]
    print(f"same at most {max(same):.2f}, different at least {min(different):.2f}")  # noqa: T201  # a figure
    assert max(same) < MeshSwapper.likeness.same
    assert min(different) > MeshSwapper.likeness.same


def test_a_face_of_few_pixels_is_not_recognised() -> None:
    small = np.asarray(Image.fromarray(samples.astronaut()).resize((100, 100), Image.Resampling.LANCZOS))
    (face,) = FaceReader(registry.FOLDER).find_faces(small)
    assert Recogniser(registry.FOLDER).vector(small, face) is None
