"""The embedded tier's painter: the face that the networks find, moved as a mesh."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.animate.motion import Motion
from engine.animate.speech import Speech
from engine.animate.wishes import Wishes
from engine.backends.faces.face import Face
from engine.backends.faces.reader import FaceReader
from engine.backends.portrait.puppet import Puppet

Picture = NDArray[np.uint8]


class MeshPainter:
    """Loaded networks and nothing of a job. Raises MissingModel where they are not in the weights folder."""

    size = 20_000_000
    """Bytes, about."""
    name = "mesh"
    motion_by = "envelope"

    def __init__(self, folder: Path) -> None:
        self._reader = FaceReader(folder)

    def close(self) -> None:
        """Nothing is held beyond the interpreters."""

    def faces(self, picture: Picture) -> tuple[Face, ...]:
        return self._reader.searched(picture)

    def moved(self, speech: Speech, wishes: Wishes) -> Motion:
        return speech.followed(eyes=wishes.eyes)

    def frames(self, picture: Picture, face: Face, motion: Motion, wishes: Wishes) -> Iterator[Picture]:
        """A picture as large as `picture` for each value of the motion's curves."""
        puppet = Puppet(picture, face, lip_zero=wishes.lip_zero, stitching=wishes.stitching)
        return puppet.frames(motion)
