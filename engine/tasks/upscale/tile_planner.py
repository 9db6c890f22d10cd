"""Enlarges pictures with a network in tiles that fit the free memory, or by bicubic interpolation."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from engine.core.errors import out_of_memory
from engine.core.progress import OnStep
from engine.tasks.upscale.realesrgan.networks import Network
from engine.tasks.upscale.realesrgan.tiled_upscale import upscale
from engine.tasks.upscale.realesrgan.tiles import Cut, cut
from engine.worker.memory import memory_of

log = structlog.get_logger()

Picture = NDArray[np.uint8]


class Upscale(Protocol):
    """Enlarges uint8 (H, W, 3) to `size`, (height, width). `on_step` receives the share done, and may raise to end
    the work.
    """

    def __call__(self, picture: Picture, size: tuple[int, int], on_step: OnStep) -> Picture: ...


@dataclass(frozen=True)
class Tiled:
    """Enlarges by a network on `device`, tile by tile."""

    network: Network
    device: str

    def __call__(self, picture: Picture, size: tuple[int, int], on_step: OnStep) -> Picture:
        """Enlarge in fewer or more tiles as memory allows. Raises the device's error if the smallest do not fit."""
        high, wide, *_ = picture.shape
        free = memory_of(self.device, {}).free + self.network.spare
        plan = cut(high, wide, self.network, free)
        while True:
            try:
                return upscale(picture, size, self.network, plan, on_step)
            except (MemoryError, RuntimeError) as error:
                smaller = self._smaller(plan, (high, wide), free)
                if not out_of_memory(error) or smaller == plan:
                    raise
            plan = smaller
            log.warning("out of memory: smaller tiles", tiles=plan.count)

    def _smaller(self, plan: Cut, extent: tuple[int, int], free: int) -> Cut:
        """Return the next plan with more tiles, or `plan` if there is none."""
        plans = (cut(*extent, self.network, free >> halved) for halved in range(1, free.bit_length()))
        return next((other for other in plans if other.count > plan.count), plan)


def bicubic(picture: Picture, size: tuple[int, int], on_step: OnStep) -> Picture:
    """Enlarge by bicubic interpolation."""
    from PIL import Image

    on_step(0)
    return np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))
