"""Faces followed through frames: who was lost is found again, and nobody is taken for somebody else."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.faces.insight import KeyFace
from engine.backends.faceswap.choice import Choice
from engine.backends.faceswap.tracking import LOOK, Tracker

Picture = NDArray[np.uint8]
ANN, BEN = 60, 200
"""Greys by which people are told from each other here."""
RATE = 1 / LOOK


class Squares:
    """A swapper whose faces are bright squares; with `knows` a person is the square's own grey."""

    most_yaw = (60.0, 75.0)
    size = 0

    def __init__(self, *, knows: bool) -> None:
        self._knows = knows

    def close(self) -> None:
        """Nothing."""

    def faces(self, picture: Picture) -> Sequence[KeyFace]:
        return self.quick(picture)

    def quick(self, picture: Picture) -> Sequence[KeyFace]:
        found = []
        for grey in (ANN, BEN):
            rows, columns = (picture[..., 0] == grey).nonzero()
            if len(rows):
                box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
                middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], np.float32)
                found.append(KeyFace(box, np.tile(middle, (5, 1)), 1.0))
        return sorted(found, key=lambda face: face.box[0])

    def again(self, picture: Picture, face: KeyFace) -> KeyFace | None:
        near = [one for one in self.quick(picture) if np.linalg.norm(one.marks[0] - face.marks[0]) < 12]
        return near[0] if near else None

    def person(self, picture: Picture, face: KeyFace) -> NDArray[np.float32] | None:
        if not self._knows:
            return None
        grey = picture[int(face.marks[0, 1]), int(face.marks[0, 0]), 0]
        return np.array([1, 0] if grey == ANN else [0, 1], np.float32)

    def identity(self, picture: Picture, face: KeyFace) -> Any:
        return picture, face

    def begin(self, identity: Any, picture: Picture, face: KeyFace, blend: float, *, fine: bool = True) -> None:
        """Nothing is swapped here."""


def frame(*squares: tuple[int, int, int]) -> Picture:
    """Squares of (grey, left, side) on black."""
    picture = np.zeros((100, 300, 3), np.uint8)
    for grey, left, side in squares:
        picture[20 : 20 + side, left : left + side] = grey
    return picture


def followed(frames: Sequence[Picture], *, knows: bool, face: str | None = "1") -> list[list[float]]:
    """By frame, where the followed faces begin."""
    swapper = Squares(knows=knows)
    tracker = Tracker(swapper, Choice.of(face), swapper.faces(frame((ANN, 0, 40))), RATE)
    return [[one.box[0] for _, one in tracker.step(picture)] for picture in frames]


def test_who_comes_back_elsewhere_is_known_and_another_in_that_place_is_not_taken() -> None:
    lost = [
        frame((ANN, 20, 40)),
        frame(),
        frame((BEN, 20, 40)),
        frame((BEN, 20, 40)),
        frame((BEN, 20, 40), (ANN, 240, 40)),
    ]
    assert followed(lost, knows=True) == [[20], [], [], [], [240]]


def test_two_people_who_change_places_out_of_sight_keep_what_they_had() -> None:
    frames = [frame((ANN, 20, 40), (BEN, 240, 40)), frame(), frame((BEN, 20, 40), (ANN, 240, 40))]
    assert followed(frames, knows=True) == [[20], [], [240]]


def test_without_knowing_people_it_is_the_place_and_the_size_that_tell() -> None:
    both = frame((ANN, 20, 40), (BEN, 240, 40))
    assert followed([both, frame((BEN, 240, 40)), both], knows=False) == [[20], [], [20]]
    larger = frame((ANN, 10, 78), (BEN, 240, 40))
    assert followed([both, frame((BEN, 240, 40)), larger, both], knows=False) == [[20], [], [], [20]]
    assert followed([both, frame((ANN, 20, 40)), frame()], knows=False, face="2") == [[240], [], []]


def test_a_lost_face_is_not_put_on_the_one_who_stayed() -> None:
    frames = [frame((ANN, 20, 40), (BEN, 240, 40)), *[frame((BEN, 240, 40))] * 4]
    for knows in (True, False):
        assert followed(frames, knows=knows) == [[20], [], [], [], []]
