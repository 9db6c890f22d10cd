"""Pictures from installed packages, so that this repository needs none."""

import os
from importlib.resources import as_file, files
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.selection import RUN_ALL_VARIABLE

Picture = NDArray[np.uint8]


def astronaut() -> Picture:
    """Return Eileen Collins, 512 x 512 (NASA, public domain): one face of about 100 x 115 pixels."""
    return _picture("skimage", "data/astronaut.png")


def cameraman() -> Picture:
    """Return a man in profile at a camera, 512 x 512, grey."""
    return _picture("skimage", "data/camera.png")


def cat() -> Picture:
    """Return a cat's face, 451 x 300."""
    return _picture("skimage", "data/chelsea.png")


def coffee() -> Picture:
    """Return a cup, 600 x 400: round, but no face."""
    return _picture("skimage", "data/coffee.png")


def six() -> Picture:
    """Return six people at a table, 1280 x 886, from InsightFace's samples."""
    return _picture("insightface", "data/images/t1.jpg")


def _picture(package: str, name: str) -> Picture:
    """Return a picture in a package as H,W,3. A test that needs it is skipped, and says why, if the package is missing.

    The packages belong to the full tier, which `scripts/test --all` installs, so there the test fails instead.
    """
    if find_spec(package) is None and RUN_ALL_VARIABLE not in os.environ:
        pytest.skip(f"the picture comes with {package}: run scripts/test --all", allow_module_level=True)
    with as_file(files(package).joinpath(name)) as path, Image.open(path) as image:
        picture: NDArray[Any] = np.asarray(image.convert("RGB"))
    return picture
