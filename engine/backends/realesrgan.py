"""The embedded Real-ESRGAN: realesr-animevideov3 enlarges a picture four times, on the CPU, through ncnn.

Source: Wang et al. 2021, "Real-ESRGAN", arXiv:2107.10833, and its release v0.2.5; a plain stack of convolutions over
the picture as it is, added to the picture enlarged by nearest neighbour.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import weights

Picture = NDArray[np.uint8]

SCALE = 4


class Upscaler:
    """Enlarges whole pictures; it takes about 3.5 kB of memory for each pixel of the small one."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        """Load from the weights `folder`. Raises MissingModel, naming what to fetch."""
        import ncnn

        place = weights.need("realesr-animevideov3", folder)
        self.bytes = (place / "x4.bin").stat().st_size
        self._net = ncnn.Net()
        self._net.opt.num_threads = threads or ncnn.get_big_cpu_count()
        self._net.load_param(str(place / "x4.param"))
        self._net.load_model(str(place / "x4.bin"))

    def enlarge(self, picture: Picture) -> Picture:
        """uint8 (H, W, 3) -> uint8 (4H, 4W, 3)."""
        import ncnn

        planes = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / np.float32(255)
        with self._net.create_extractor() as extractor:
            extractor.input("data", ncnn.Mat(planes))
            _, enlarged = extractor.extract("output")
            return np.clip(np.array(enlarged) * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
