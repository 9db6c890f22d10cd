"""Faces followed through a video: each keeps its number, and moves without trembling."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.faceswap.choice import Choice
from engine.backends.faceswap.swapper import Seen, Swapper

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

LOOK = 0.2
"""Seconds between two looks for faces that are gone or new."""
NEAR = 1.2
"""How many times its own width a lost face may have moved when it is seen again."""
ALIKE = 0.3
"""Cosine of two people's vectors from which on they are one: an estimate, made without InsightFace's real weights."""
GROWN = 1.8
"""How many times larger or smaller in width a lost face may be when it is seen again."""
SLOW, QUICK = 1.5, 6.0
"""Cut-off in Hz of what trembles while a face is still, and by how much it rises with its widths a second."""


@dataclass
class Steady:
    """The one-euro filter over a face's marks. Source: Casiez et al., "1€ Filter", 2012."""

    rate: float
    marks: Values | None = None
    speed: float = 0

    def __call__(self, face: Any) -> Any:
        """The face with its marks steadied by those before."""
        if self.marks is None:
            self.marks = face.marks
            return face
        width = max(1.0, face.box[2] - face.box[0])
        moved = float(np.linalg.norm((face.marks - self.marks).mean(axis=0)[:2])) * self.rate / width
        self.speed += _share(1.0, self.rate) * (moved - self.speed)
        share = _share(SLOW + QUICK * self.speed, self.rate)
        self.marks = (self.marks + np.float32(share) * (face.marks - self.marks)).astype(np.float32)
        return face.at(self.marks)


@dataclass
class Track:
    """One face of the target and the place of its new one among the source's.

    `last` is where it was seen, `person` who it is where that can be told.
    """

    source: int
    last: Any
    steady: Steady
    person: Values | None
    here: bool = True


class Tracker:
    """Follows the chosen faces frame after frame. They are chosen in the first frame that has enough of them."""

    def __init__(self, swapper: Swapper, choice: Choice, sources: Sequence[Seen], rate: float) -> None:
        self._swapper = swapper
        self._choice = choice
        self._sources = sources
        self._rate = rate
        self._tracks: list[Track] = []
        self._others: list[Any] = []
        self._since_look = 0.0
        self.most = 0
        """The most faces seen in one frame before any was chosen."""
        self.first: tuple[Picture, Sequence[Any], dict[int, int]] | None = None
        """The frame in which they were chosen, its faces, and the choice."""

    def step(self, picture: Picture) -> list[tuple[int, Any]]:
        """The next frame: for each chosen face that is in it, the place of its new one, and the face."""
        self._since_look += 1 / self._rate
        if self.first is None:
            self._begin(picture)
        else:
            self._go_on(picture)
        return [(track.source, track.steady(track.last)) for track in self._tracks if track.here]

    def _begin(self, picture: Picture) -> None:
        faces = self._swapper.quick(picture)
        self.most = max(self.most, len(faces))
        if len(faces) >= self._choice.least:
            settled = self._choice.settled(faces, self._sources)
            self.first = picture.copy(), faces, settled
            self._tracks = [self._track(picture, source, faces[target]) for target, source in settled.items()]
            self._others = [face for place, face in enumerate(faces) if place not in settled]

    def _track(self, picture: Picture, source: int, face: Any) -> Track:
        return Track(source, face, Steady(self._rate), self._swapper.person(picture, face))

    def _go_on(self, picture: Picture) -> None:
        for track in self._tracks:
            if track.here:
                found = self._swapper.again(picture, track.last)
                track.here, track.last = found is not None, found or track.last
        missing = any(not track.here for track in self._tracks) or self._choice.every
        if missing and self._since_look >= LOOK:
            self._since_look = 0.0
            self._look(picture)

    def _look(self, picture: Picture) -> None:
        """Find again what was lost: whoever it was, anywhere, where people can be told from each other.

        Else what is as large and near where it was, or anywhere where there never was another face.
        """
        seen = [face for face in self._swapper.quick(picture) if not self._is_followed(face)]
        free = [face for face in seen if not self._is_other(face)]
        alone = len(self._tracks) == len(free) == 1 and not self._others
        for track in self._tracks:
            if track.here:
                continue
            found = self._known(picture, track, seen) if track.person is not None else _back(track, free, alone)
            if found is not None:
                seen, free = ([face for face in faces if face is not found] for faces in (seen, free))
                track.last, track.here, track.steady = found, True, Steady(self._rate)
        if self._choice.every:
            self._tracks += [self._track(picture, self._tracks[0].source, face) for face in free]
        else:
            self._others = [face for face in seen if not self._is_followed(face)] or self._others

    def _known(self, picture: Picture, track: Track, seen: Sequence[Any]) -> Any | None:
        """Who is most alike of those that are alike."""
        known = [(self._likeness(picture, track, face), place) for place, face in enumerate(seen)]
        alike, place = max(known, default=(-1.0, 0))
        return seen[place] if alike >= ALIKE else None

    def _likeness(self, picture: Picture, track: Track, face: Any) -> float:
        person = self._swapper.person(picture, face)
        return -1.0 if person is None or track.person is None else float(person @ track.person)

    def _is_other(self, face: Seen) -> bool:
        """Whether it lies where one was that nobody asked for, rather than where one was lost."""
        lost = [_apart(face, track.last) for track in self._tracks if not track.here]
        other = min((_apart(face, other) for other in self._others), default=NEAR)
        return other < min(NEAR, *lost, NEAR)

    def _is_followed(self, face: Seen) -> bool:
        return any(track.here and _apart(face, track.last) < 0.4 for track in self._tracks)


def _back(track: Track, free: Sequence[Any], alone: bool) -> Any | None:
    near = [face for face in free if alone or (_apart(face, track.last) < NEAR and _as_large(face, track.last))]
    return min(near, key=lambda face: _apart(face, track.last), default=None)


def _as_large(one: Seen, other: Seen) -> bool:
    wide, before = (max(1.0, face.box[2] - face.box[0]) for face in (one, other))
    return before / GROWN < wide < before * GROWN


def _share(cutoff: float, rate: float) -> float:
    """Of the new value in a low pass at `cutoff` Hz."""
    return 1 / (1 + rate / (2 * np.pi * cutoff))


def _apart(one: Seen, other: Seen) -> float:
    """Distance of two faces in widths of the second."""
    middles = [np.array([face.box[0] + face.box[2], face.box[1] + face.box[3]]) / 2 for face in (one, other)]
    return float(np.linalg.norm(middles[0] - middles[1]) / max(1.0, other.box[2] - other.box[0]))
