"""Libraries of the full tier that must work together."""

import subprocess
import sys

import torch  # noqa: F401  # makes this a test of the full tier

from tests.timing import HANG_SECONDS

TRANSFORMS = """
from engine.torch_support.torchvision_import import import_torchvision
import_torchvision()
import spandrel
from torchvision.transforms.functional import rotate
"""


def test_torchvision_and_spandrel_can_be_imported_with_any_build_of_torch() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", TRANSFORMS], check=True, timeout=HANG_SECONDS * 2)
