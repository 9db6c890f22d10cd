"""What scripts/setup builds on: the lock, the scripts, the container files, and libraries that must live together."""

import subprocess
import sys

CPU_TORCH = """
from engine.backends.torchvision_import import import_torchvision
import_torchvision()
import_torchvision()
import peft, spandrel
from diffusers import StableDiffusionXLPipeline
from torchvision.transforms.functional import rotate
"""


def test_the_full_tier_imports_beside_any_build_of_torch() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", CPU_TORCH], check=True, timeout=100)
