"""Tracks faces through a video: each keeps its number through cuts and crossings, and moves without trembling."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.tasks.faceswap.contract import DetectedFace, Swapper
from engine.tasks.faceswap.cuts import CutDetector, difference_of
from engine.tasks.faceswap.face_selection import FaceSelection
from engine.tasks.faceswap.people import Person
from engine.tasks.faceswap.steadying import Steady
from engine.tasks.faceswap.strangers import Strangers
from engine.tasks.faceswap.tracks import MAX_MOVE_WIDTHS, Track, distance_of, is_near, patch_of

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

LOOK_SECONDS = 0.2
"""Seconds between two searches for lost or new faces."""
CHECK_SECONDS = 0.4
"""Seconds between two checks that a tracked face still is the same person's."""
SAME_FACE_WIDTHS = 0.4
"""Distance of two faces, in widths, below which they are the same one."""
SUDDEN_CHANGE_LEVELS = 30.0
"""Mean difference of a face's thumbnails in two frames, in levels of 255, that triggers such a check."""


@dataclass
class Doubts:
    """Counts of what could not be recognised for certain, for the notes on the result."""

    unlike: int = 0
    """Cuts after which a face may have been the person's and was left as it is."""
    guessed: int = 0
    """Cuts after which the only face was taken for the same person, because nobody can be recognised here."""
    unknown: int = 0
    """Cuts after which faces were left as they are, because nobody can be recognised here."""


class Tracker:
    """Tracks the chosen faces frame by frame. They are chosen in the first frame that has enough of them."""

    def __init__(self, swapper: Swapper, choice: FaceSelection, sources: Sequence[DetectedFace], rate: float) -> None:
        self._swapper = swapper
        self._choice = choice
        self._sources = sources
        self._rate = rate
        self._cuts = CutDetector()
        self._tracks: list[Track] = []
        self._others: list[Any] = []
        self._strangers = Strangers()
        self._since_look = self._since_check = 0.0
        self._source = 0
        self._crowd = 0
        self._shot = Doubts()
        self.most = 0
        """The most faces seen in one frame before any was chosen."""
        self.first: tuple[Picture, Sequence[Any], dict[int, int]] | None = None
        """The frame in which they were chosen, its faces, and the choice."""
        self._doubts = Doubts()

    @property
    def doubts(self) -> Doubts:
        """Return the doubts so far."""
        self._end_shot()
        return self._doubts

    def step(self, picture: Picture) -> list[tuple[int, Any]]:
        """Process the next frame. Return, for each chosen face in it, the index of its new face and the face itself."""
        self._since_look += 1 / self._rate
        self._since_check += 1 / self._rate
        is_cut = self._cuts.is_cut(picture)
        if self.first is None:
            self._begin(picture)
        else:
            if is_cut:
                self._begin_shot()
            self._go_on(picture)
        return [(track.source, track.steady(track.last)) for track in self._tracks if track.here]

    def _begin(self, picture: Picture) -> None:
        faces = self._swapper.detect_fast(picture)
        self.most = self._crowd = max(self.most, len(faces))
        if len(faces) >= self._choice.least:
            settled = self._choice.resolve(faces, self._sources)
            self._source = next(iter(settled.values()))
            self.first = picture.copy(), faces, settled
            self._tracks = [self._track(picture, source, faces[target]) for target, source in settled.items()]
            self._others = [face for place, face in enumerate(faces) if place not in settled]

    def _track(self, picture: Picture, source: int, face: Any) -> Track:
        track = Track(source, face, Steady(self._rate))
        if not self._choice.every:
            vector = self._swapper.embedding(picture, face)
            track.person = None if vector is None else Person([vector])
        return track

    def _begin_shot(self) -> None:
        """Lose all faces, since their old positions mean nothing."""
        self._end_shot()
        self._others, self._since_look = [], LOOK_SECONDS
        self._strangers.clear()
        if self._choice.every:
            self._tracks = []
        for track in self._tracks:
            track.here, track.was_cut = False, True

    def _end_shot(self) -> None:
        """Count this shot's doubts. A person who was recognised in the end is none."""
        shot, self._shot = self._shot, Doubts()
        found = all(track.here for track in self._tracks)
        self._doubts.unlike += shot.unlike and not found
        self._doubts.guessed += shot.guessed
        self._doubts.unknown += shot.unknown and not found

    def _go_on(self, picture: Picture) -> None:
        for track in self._tracks:
            if track.here:
                found = self._swapper.track(picture, track.last)
                track.here, track.last = found is not None, found or track.last
        if not self._choice.every:
            self._check(picture)
        missing = any(not track.here for track in self._tracks) or self._choice.every
        if missing and self._since_look >= LOOK_SECONDS:
            self._since_look = 0.0
            self._look(picture)

    def _check(self, picture: Picture) -> None:
        """Lose tracks that turn out to be somebody else, after a dissolve or when two people cross."""
        is_due = self._since_check >= CHECK_SECONDS
        if is_due:
            self._since_check = 0.0
        for track in self._tracks:
            if track.here and (self._has_changed(picture, track) or is_due or self._is_double(track)):
                track.here = self._is_still(picture, track)

    def _has_changed(self, picture: Picture, track: Track) -> bool:
        """Return whether the face suddenly looks different from the previous frame."""
        before, track.patch = track.patch, patch_of(picture, track.last)
        return (
            before is not None and track.patch is not None and difference_of(before, track.patch) > SUDDEN_CHANGE_LEVELS
        )

    def _is_double(self, track: Track) -> bool:
        """Return whether another track follows the same face."""
        others = [other for other in self._tracks if other is not track and other.here]
        return any(distance_of(track.last, other.last) < SAME_FACE_WIDTHS for other in others)

    def _is_still(self, picture: Picture, track: Track) -> bool:
        vector = self._swapper.embedding(picture, track.last)
        if vector is None:
            return True
        if track.person is None:
            track.person = Person([vector])
        likeness = self._swapper.likeness
        if track.person.distance(vector) >= likeness.different:
            return False
        track.person.learn(vector, likeness)
        return True

    def _look(self, picture: Picture) -> None:
        """Search for lost faces and, with `all`, for new ones."""
        faces = self._swapper.detect_fast(picture)
        self._crowd = max(self._crowd, len(faces))
        seen = [face for face in faces if not self._has_track(face)]
        lost = [track for track in self._tracks if not track.here]
        if self._choice.every:
            self._tracks += [Track(self._source, face, Steady(self._rate)) for face in seen]
            self._tracks = [track for track in self._tracks if track.here]
            return
        self._recognise(picture, [track for track in lost if track.person], seen)
        self._guess([track for track in lost if not track.person], seen)
        self._others = [face for face in seen if not self._has_track(face)] or self._others

    def _recognise(self, picture: Picture, lost: Sequence[Track], seen: Sequence[Any]) -> None:
        """Give each lost person the face that is theirs, the most alike first."""
        pairs = [
            (track.person.distance(vector) if vector is not None else self._swapper.likeness.same, track, face, vector)
            for face, vector in self._vectors(picture, lost, seen)
            for track in lost
            if track.person
        ]
        for distance, track, face, vector in sorted(pairs, key=lambda pair: pair[0]):
            if track.here or self._has_track(face):
                continue
            if vector is not None and distance <= self._bound(track, face):
                track.follow(face, self._rate)
            elif distance < self._swapper.likeness.different and track.was_cut:
                self._shot.unlike = 1

    def _vectors(self, picture: Picture, lost: Sequence[Track], seen: Sequence[Any]) -> list[tuple[Any, Values | None]]:
        """Return the faces that may be one of the lost people, with their vectors. Known strangers are skipped."""
        self._strangers.begin_look([self._tracks.index(track) for track in lost])
        found: list[tuple[Any, Values | None]] = []
        for face in seen if lost else ():
            patch = patch_of(picture, face)
            if patch is not None and self._strangers.recall(face, patch):
                continue
            vector = self._swapper.embedding(picture, face)
            if vector is not None and patch is not None and self._is_stranger(vector, lost):
                self._strangers.add(face, patch)
            found.append((face, vector))
        return found

    def _is_stranger(self, vector: Values, lost: Sequence[Track]) -> bool:
        nearest = min(track.person.distance(vector) for track in lost if track.person)
        return nearest >= self._swapper.likeness.different

    def _bound(self, track: Track, face: Any) -> float:
        """Return the distance up to which `face` is the lost person. It is larger if they were lost without a cut."""
        likeness = self._swapper.likeness
        may_be_same = not track.was_cut and is_near(face, track.last) and not self._is_other(face)
        return likeness.different if may_be_same else likeness.same

    def _guess(self, lost: Sequence[Track], seen: Sequence[Any]) -> None:
        """Find people who cannot be recognised by position and size; after a cut, only if nobody else was ever seen."""
        free = [face for face in seen if not self._has_track(face) and not self._is_other(face)]
        alone = len(self._tracks) == len(free) == 1 and self._crowd <= 1
        for track in lost:
            near = [face for face in free if alone or (not track.was_cut and is_near(face, track.last))]
            if near:
                self._shot.guessed |= track.was_cut
                track.follow(min(near, key=lambda face: distance_of(face, track.last)), self._rate)
                free = [face for face in free if face is not track.last]
            elif track.was_cut and free:
                self._shot.unknown = 1

    def _is_other(self, face: DetectedFace) -> bool:
        """Return whether `face` lies where an unchosen face was, rather than where a chosen one was lost."""
        lost = [distance_of(face, track.last) for track in self._tracks if not track.here]
        other = min((distance_of(face, other) for other in self._others), default=MAX_MOVE_WIDTHS)
        return other < min(MAX_MOVE_WIDTHS, *lost, MAX_MOVE_WIDTHS)

    def _has_track(self, face: DetectedFace) -> bool:
        return any(track.here and distance_of(face, track.last) < SAME_FACE_WIDTHS for track in self._tracks)
