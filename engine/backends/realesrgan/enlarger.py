"""What makes pictures larger in one job: a network in tiles that fit the free memory, or bicubic interpolation."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from engine.backends.realesrgan.networks import NETWORKS, Network
from engine.backends.realesrgan.tiled import upscale
from engine.backends.realesrgan.tiles import SMALLEST, grid, side
from engine.memory import memory_of
from engine.steps import OnStep

log = structlog.get_logger()

Picture = NDArray[np.uint8]


class Enlarger(Protocol):
    """uint8 (H, W, 3) to `size`, (height, width). `on_step` hears what share is done, and may raise to end the work."""

    def __call__(self, picture: Picture, size: tuple[int, int], on_step: OnStep) -> Picture: ...


@dataclass(frozen=True)
class Tiled:
    """Through a network on `device`."""

    network: Network
    name: str
    device: str

    def __call__(self, picture: Picture, size: tuple[int, int], on_step: OnStep) -> Picture:
        """Raises what the device raises when not even the smallest tiles fit."""
        traits = NETWORKS[self.name]
        free = memory_of(self.device, {}).free
        tile = side(free, self.network.bytes_per_pixel, traits.overlaps[0], traits.largest)
        smallest = SMALLEST + 2 * traits.overlaps[0]
        while True:
            try:
                tiles = grid(picture.shape[0], picture.shape[1], tile, traits.overlaps)
                return upscale(picture, size, self.network, tiles, on_step)
            except (MemoryError, RuntimeError) as error:
                if not _out_of_memory(error) or tile <= smallest:
                    raise
            tile = max(tile // 2, smallest)
            log.warning("out of memory: smaller tiles", side=tile)


def bicubic(picture: Picture, size: tuple[int, int], on_step: OnStep) -> Picture:
    """Without a network."""
    from PIL import Image

    on_step(0)
    return np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
