"""The embedded tier: MediaPipe's faces, a texture warped over their mesh, and dlib's network to recognise people."""

import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import MissingModel
from engine.tasks.faceswap.mesh.texture import Texture, put
from engine.tasks.faceswap.people import Likeness
from engine.vision.faces.face import Face
from engine.vision.faces.reader import FaceReader
from engine.vision.faces.recognition import WEIGHT, Recogniser
from engine.weights import registry

log = logging.getLogger(__name__)
Picture = NDArray[np.uint8]
Values = NDArray[np.float32]


class MeshSwapper:
    """Swaps faces on the CPU. Its networks take 25 MB."""

    most_yaw = (35.0, 46.0)
    likeness = Likeness(same=0.55, different=0.65)
    """Distances around dlib's own bound of 0.6."""
    size = 60_000_000
    """Approximate bytes of the networks and their arrays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reader = FaceReader(folder)

    def close(self) -> None:
        """Do nothing: no memory is held on a device."""

    def faces(self, picture: Picture) -> Sequence[Face]:
        """Return every face from left to right, including small ones."""
        return self._reader.find_faces(picture)

    def detect_fast(self, picture: Picture) -> Sequence[Face]:
        """Return the faces of a frame."""
        return self._reader.faces(picture)

    def track(self, picture: Picture, face: Face) -> Face | None:
        """Return the face in the next frame, or None if it is gone."""
        return self._reader.track(picture, face)

    def embedding(self, picture: Picture, face: Face) -> Values | None:
        """Return dlib's vector of the face, or None if its network is missing."""
        return self._recogniser.vector(picture, face) if self._recogniser else None

    def identity(self, picture: Picture, face: Face) -> Texture:
        """Return the texture of the face."""
        return Texture.of(picture, face, self._reader.find_faces)

    def begin(self, identity: Texture, picture: Picture, face: Face, blend: float, *, fine: bool = True) -> None:  # noqa: ARG002
        """Put the texture on `face` right away; `fine` makes no difference here."""
        put(identity, picture, face, blend)

    @cached_property
    def _recogniser(self) -> Recogniser | None:
        """The network that recognises people, which only videos need. It is None if missing, which is logged.

        The result of a video then notes what could not be recognised.
        """
        try:
            registry.fetch(registry.find_weight(WEIGHT), self._folder)
            return Recogniser(self._folder)
        except (MissingModel, ImportError) as error:
            log.warning("nobody can be recognised in videos: %s", error)
            return None
