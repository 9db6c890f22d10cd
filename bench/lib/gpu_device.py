"""Find an NVIDIA GPU for a benchmark of SDXL, and a checkpoint for it: the user's own, or random weights."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.lib import random_sdxl
from engine.core.devices import devices
from engine.core.settings import WorkerSettings


def has_gpu() -> bool:
    """Return whether there is an NVIDIA GPU, and print a line if there is none."""
    found = devices("auto") != ("cpu",)
    if not found:
        print("There is no NVIDIA GPU here, so there is nothing to measure.")
    return found


def model_argument() -> Path | None:
    """Return the folder that `--model` names on the command line, or None."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, help="a folder; random weights of the real sizes where it is left out")
    return parser.parse_args().model  # type: ignore[no-any-return]  # argparse's namespace is untyped


@contextmanager
def studio(budget: int, model: Path | None = None) -> Iterator[WorkerSettings]:
    """Yield settings for a temporary folder, with a checkpoint."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield WorkerSettings(
            device="cuda:0", folder=folder, memory=budget, models={"imagine": str(model or random_sdxl.save(folder))}
        )
