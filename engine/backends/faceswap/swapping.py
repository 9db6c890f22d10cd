"""One picture in which faces are being swapped."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.faceswap.swapper import Swapper, Unfinished

Picture = NDArray[np.uint8]


class Swapping:
    """A copy of `picture` with the faces that are begun in it."""

    def __init__(self, swapper: Swapper, picture: Picture, blend: float, *, fine: bool = True) -> None:
        self._swapper, self._blend, self._fine = swapper, blend, fine
        self._made = picture.copy()
        self._begun: list[Unfinished] = []

    def begin(self, identity: Any, face: Any) -> None:
        begun = self._swapper.begin(identity, self._made, face, self._blend, fine=self._fine)
        if begun:
            self._begun.append(begun)

    def whole(self) -> Picture:
        """Once all that was begun is there."""
        for begun in self._begun:
            begun.finish()
        return self._made
