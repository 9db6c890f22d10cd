"""The embedded tier: MediaPipe's faces, and a texture bent over their mesh."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.backends.faces.face import Face
from engine.backends.faces.reader import FaceReader
from engine.backends.faceswap.mesh import Texture, put

Picture = NDArray[np.uint8]


class MeshSwapper:
    """Works on the CPU; its networks are 3 MB."""

    most_yaw = (35.0, 46.0)
    size = 20_000_000
    """Bytes of networks and their arrays, about."""

    def __init__(self, weights: Path) -> None:
        self._reader = FaceReader(weights)

    def close(self) -> None:
        """Nothing on a device."""

    def faces(self, picture: Picture) -> Sequence[Face]:
        return self._reader.searched(picture)

    def quick(self, picture: Picture) -> Sequence[Face]:
        return self._reader.faces(picture)

    def again(self, picture: Picture, face: Face) -> Face | None:
        return self._reader.again(picture, face)

    def person(self, picture: Picture, face: Face) -> None:
        """A mesh of points does not know people."""

    def identity(self, picture: Picture, face: Face) -> Texture:
        return Texture.of(picture, face, self._reader.searched)

    def begin(self, identity: Texture, picture: Picture, face: Face, blend: float, *, fine: bool = True) -> None:  # noqa: ARG002
        """Done at once; `fine` makes no difference here."""
        put(identity, picture, face, blend)
