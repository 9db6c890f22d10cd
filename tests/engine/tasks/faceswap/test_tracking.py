"""Faces followed through frames: who was lost is found again, and nobody is taken for somebody else."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.tasks.faceswap.cuts import CutDetector
from engine.tasks.faceswap.face_selection import FaceSelection
from engine.tasks.faceswap.people import Likeness
from engine.tasks.faceswap.tracking import CHECK_SECONDS, LOOK_SECONDS, Doubts, Tracker
from engine.vision.faces.insight import KeyFace

Picture = NDArray[np.uint8]
ANN, BEN = 60, 200
"""Greys by which people are told from each other here."""
RATE = 1 / LOOK_SECONDS


class Squares:
    """A swapper whose faces are bright squares; with `knows` a person is the square's own grey."""

    most_yaw = (60.0, 75.0)
    likeness = Likeness(same=1.0, different=1.2)
    size = 0

    def __init__(self, *, knows: bool) -> None:
        self._knows = knows
        self.asked = 0

    def close(self) -> None:
        """Nothing."""

    def faces(self, picture: Picture) -> Sequence[KeyFace]:
        return self.detect_fast(picture)

    def detect_fast(self, picture: Picture) -> Sequence[KeyFace]:
        found = []
        for grey in (ANN, BEN):
            rows, columns = (picture[..., 0] == grey).nonzero()
            if len(rows):
                box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
                middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], np.float32)
                found.append(KeyFace(box, np.tile(middle, (5, 1)), 1.0))
        return sorted(found, key=lambda face: face.box[0])

    def track(self, picture: Picture, face: KeyFace) -> KeyFace | None:
        near = [one for one in self.detect_fast(picture) if np.linalg.norm(one.marks[0] - face.marks[0]) < 12]
        return near[0] if near else None

    def embedding(self, picture: Picture, face: KeyFace) -> NDArray[np.float32] | None:
        self.asked += 1
        if not self._knows:
            return None
        grey = picture[int(face.marks[0, 1]), int(face.marks[0, 0]), 0]
        return np.array([1, 0] if grey == ANN else [0, 1], np.float32)

    def identity(self, picture: Picture, face: KeyFace) -> Any:
        return picture, face

    def begin(self, identity: Any, picture: Picture, face: KeyFace, blend: float, *, fine: bool = True) -> None:
        """Nothing is swapped here."""


def frame(*squares: tuple[int, int, int]) -> Picture:
    """Squares of (grey, left, side) on black, so much of it that no square makes a cut."""
    picture = np.zeros((300, 900, 3), np.uint8)
    for grey, left, side in squares:
        picture[20 : 20 + side, left : left + side] = grey
    return picture


def shot(picture: Picture) -> Picture:
    """The same squares in another light, as after a cut."""
    return np.where(picture > 0, picture, np.uint8(120))


def follow(frames: Sequence[Picture], *, knows: bool, face: str | None = "1") -> list[list[float]]:
    """By frame, where the followed faces begin."""
    return follow_with_doubts(frames, knows=knows, face=face)[0]


def follow_with_doubts(
    frames: Sequence[Picture], *, knows: bool, face: str | None = "1"
) -> tuple[list[list[float]], Doubts]:
    """As `follow`, with what could not be told."""
    swapper = Squares(knows=knows)
    tracker = Tracker(swapper, FaceSelection.of(face), swapper.faces(frame((ANN, 0, 40))), RATE)
    return [[one.box[0] for _, one in tracker.step(picture)] for picture in frames], tracker.doubts


def test_who_comes_back_elsewhere_is_known_and_another_in_that_place_is_not_taken() -> None:
    lost = [
        frame((ANN, 20, 40)),
        frame(),
        frame((BEN, 20, 40)),
        frame((BEN, 20, 40)),
        frame((BEN, 20, 40), (ANN, 240, 40)),
    ]
    assert follow(lost, knows=True) == [[20], [], [], [], [240]]


def test_two_people_who_change_places_out_of_sight_keep_what_they_had() -> None:
    frames = [frame((ANN, 20, 40), (BEN, 240, 40)), frame(), frame((BEN, 20, 40), (ANN, 240, 40))]
    assert follow(frames, knows=True) == [[20], [], [240]]


def test_without_knowing_people_it_is_the_place_and_the_size_that_tell() -> None:
    both = frame((ANN, 20, 40), (BEN, 240, 40))
    assert follow([both, frame((BEN, 240, 40)), both], knows=False) == [[20], [], [20]]
    larger = frame((ANN, 10, 78), (BEN, 240, 40))
    assert follow([both, frame((BEN, 240, 40)), larger, both], knows=False) == [[20], [], [], [20]]
    assert follow([both, frame((ANN, 20, 40)), frame()], knows=False, face="2") == [[240], [], []]


def test_a_lost_face_is_not_put_on_the_one_who_stayed() -> None:
    frames = [frame((ANN, 20, 40), (BEN, 240, 40)), *[frame((BEN, 240, 40))] * 4]
    for knows in (True, False):
        assert follow(frames, knows=knows) == [[20], [], [], [], []]


def test_after_a_cut_people_are_told_by_who_they_are_not_by_their_place() -> None:
    """Another in the same place, then the same one elsewhere, then both with their places changed."""
    ann, ben = frame((ANN, 20, 40)), shot(frame((BEN, 20, 40)))
    elsewhere, both = frame((ANN, 240, 40)), shot(frame((BEN, 20, 40), (ANN, 240, 40)))
    assert follow_with_doubts([ann, ben, ben, elsewhere, both, ann], knows=True) == (
        [[20], [], [], [240], [240], [20]],
        Doubts(),
    )


def test_each_of_a_pair_keeps_its_own_through_a_cut() -> None:
    swapper = Squares(knows=True)
    sources = swapper.faces(frame((ANN, 0, 40), (BEN, 100, 40)))
    tracker = Tracker(swapper, FaceSelection.of("1=2, 2=1"), sources, RATE)
    first = tracker.step(frame((ANN, 20, 40), (BEN, 240, 40)))
    second = tracker.step(shot(frame((BEN, 20, 40), (ANN, 240, 40))))
    assert [(source, face.box[0]) for source, face in first] == [(1, 20), (0, 240)]
    assert [(source, face.box[0]) for source, face in second] == [(1, 240), (0, 20)]


def test_where_nobody_can_be_recognised_a_cut_is_told() -> None:
    """The only face there ever was is taken, with a word; where there were two, none is."""
    ann = frame((ANN, 20, 40))
    assert follow_with_doubts([ann, shot(frame((BEN, 200, 40)))], knows=False) == ([[20], [200]], Doubts(guessed=1))
    both = frame((ANN, 20, 40), (BEN, 240, 40))
    assert follow_with_doubts([both, shot(both), both], knows=False) == ([[20], [], []], Doubts(unknown=2))


def test_with_all_nobody_has_to_be_recognised() -> None:
    both = frame((ANN, 20, 40), (BEN, 240, 40))
    assert follow_with_doubts([both, shot(frame((BEN, 100, 40)))], knows=False, face="all") == (
        [[20, 240], [100]],
        Doubts(),
    )


def test_who_is_replaced_without_a_cut_is_given_up_at_the_next_check() -> None:
    frames = [frame((ANN, 20, 40)), *[frame((BEN, 20, 40))] * (1 + round(CHECK_SECONDS * RATE))]
    where = follow(frames, knows=True)
    assert where[0] == [20]
    assert where[-1] == []


def test_strangers_are_not_recognised_again_at_every_look_but_soon_enough() -> None:
    """Ann is gone for ten looks, in which Ben is asked twice who he is; then she is where he was."""
    swapper = Squares(knows=True)
    asked: list[int] = []
    tracker = Tracker(swapper, FaceSelection.of("1"), swapper.faces(frame((ANN, 0, 40))), RATE)
    tracker.step(frame((ANN, 20, 40), (BEN, 240, 40)))
    for _ in range(10):
        before = swapper.asked
        assert tracker.step(frame((BEN, 240, 40))) == []
        asked.append(swapper.asked - before)
    assert sum(asked) == 2
    (found,) = tracker.step(frame((ANN, 240, 40)))
    assert found[1].box[0] == 240


class TestCuts:
    """Shots made of noise that moves, as a camera sees it."""

    def scene(self, seed: int) -> Picture:
        noise = np.random.default_rng(seed).integers(0, 256, (9, 16, 3), np.uint8)
        made: Picture = np.asarray(cv2.resize(noise, (640, 360), interpolation=cv2.INTER_CUBIC), np.uint8)
        return made

    def cuts(self, frames: Sequence[Picture]) -> list[int]:
        detector = CutDetector()
        return [number for number, one in enumerate(frames) if detector.is_cut(one)]

    def test_each_cut_is_seen_and_a_moving_camera_is_none(self) -> None:
        shots = [[np.roll(self.scene(seed), 3 * step, axis=1) for step in range(10)] for seed in range(3)]
        assert self.cuts([one for shot in shots for one in shot]) == [10, 20]

    def test_a_dissolve_and_noise_are_no_cuts(self) -> None:
        random = np.random.default_rng(9)
        mixed = [cv2.addWeighted(self.scene(0), 1 - part, self.scene(1), part, 0) for part in np.linspace(0, 1, 25)]
        noisy = [(one + random.normal(0, 20, one.shape)).clip(0, 255).astype(np.uint8) for one in mixed]
        assert self.cuts(noisy) == []
