"""Pictures that installed packages carry: none of them lies in this repository."""

from importlib.resources import as_file, files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]


def astronaut() -> Picture:
    """Eileen Collins, 512 x 512, public domain, from NASA: one face of about 100 x 115 pixels."""
    return _picture("skimage", "data/astronaut.png")


def cameraman() -> Picture:
    """A man in profile at a camera, 512 x 512, grey."""
    return _picture("skimage", "data/camera.png")


def cat() -> Picture:
    """A cat's face, 451 x 300."""
    return _picture("skimage", "data/chelsea.png")


def coffee() -> Picture:
    """A cup, 600 x 400: round, and no face."""
    return _picture("skimage", "data/coffee.png")


def six() -> Picture:
    """Six people at a table, 1280 x 886, from InsightFace's samples."""
    return _picture("insightface", "data/images/t1.jpg")


def _picture(package: str, name: str) -> Picture:
    with as_file(files(package).joinpath(name)) as path, Image.open(path) as image:
        found: NDArray[Any] = np.asarray(image.convert("RGB"))
    return found
