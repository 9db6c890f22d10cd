"""The settings of a training run."""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    ``seconds`` is the training time, cut short at ``deadline`` (seconds since 1970) if given.
    """

    pack: Path
    run: Path
    seconds: float
    deadline: float = 0.0
    distil: float = 0.0
    guidance: float = 4.0
    batch: int = 256
    rate: float = 1.4e-3
    decay: float = 0.45
    memory: float = 0.9995
    pool: int = 300_000
    widths: tuple[int, int, int, int] = (64, 128, 256, 384)
    save_every: float = 120.0
    size: int = 128
    max_steps: int = 10**9


def settings() -> Settings:
    """Return the settings from the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.pocket.train")
    parser.add_argument("pack", type=Path)
    parser.add_argument("run", type=Path)
    whole = {"batch", "pool", "max-steps"}
    for name in ("seconds", "deadline", "distil", "guidance", "rate", "decay", "save-every", *sorted(whole)):
        parser.add_argument(f"--{name}", type=int if name in whole else float)
    told = {k: v for k, v in vars(parser.parse_args()).items() if v is not None}
    return replace(Settings(told.pop("pack"), told.pop("run"), told.pop("seconds", 60.0)), **told)
