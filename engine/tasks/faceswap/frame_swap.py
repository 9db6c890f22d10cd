"""A picture in which faces are being swapped."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.tasks.faceswap.contract import Swapper, Unfinished
from engine.tasks.faceswap.toning import keep_tone, region_around

Picture = NDArray[np.uint8]


class FrameSwap:
    """Swaps faces in a copy of `picture`. In a grey or sepia picture, the new faces are toned alike."""

    def __init__(self, swapper: Swapper, picture: Picture, blend: float, *, fine: bool = True) -> None:
        self._swapper, self._blend, self._fine = swapper, blend, fine
        self._before, self._made = picture, picture.copy()
        self._begun: list[Unfinished] = []
        self._regions: list[tuple[slice, slice]] = []

    def begin(self, identity: Any, face: Any) -> None:
        """Begin to put `identity` on `face`."""
        self._regions.append(region_around(face.box, self._made.shape))
        begun = self._swapper.begin(identity, self._made, face, self._blend, fine=self._fine)
        if begun:
            self._begun.append(begun)

    def finish(self) -> Picture:
        """Wait for every face that was begun, and return the picture."""
        for begun in self._begun:
            begun.finish()
        for region in self._regions:
            if self._before[region].size:
                keep_tone(self._before[region], self._made[region])
        return self._made
