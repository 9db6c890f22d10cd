"""An NVIDIA card for a bench of SDXL, and a checkpoint for it: a person's own, or random weights of the real sizes."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.lib import random_sdxl
from engine.core.devices import devices
from engine.core.settings import WorkerSettings


def here() -> bool:
    """Says so where there is none."""
    found = devices("auto") != ("cpu",)
    if not found:
        print("There is no NVIDIA GPU here, so there is nothing to measure.")
    return found


def asked() -> Path | None:
    """What `--model` names on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, help="a folder; random weights of the real sizes where it is left out")
    return parser.parse_args().model  # type: ignore[no-any-return]  # argparse's namespace is untyped


@contextmanager
def studio(budget: int, model: Path | None = None) -> Iterator[WorkerSettings]:
    """Settings for a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield WorkerSettings(
            device="cuda:0", folder=folder, memory=budget, models={"imagine": str(model or random_sdxl.save(folder))}
        )
