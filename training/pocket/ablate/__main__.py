"""``python -m training.pocket.ablate pack PACK SMALL``, then ``… run SMALL OUT``: what each change does alone.

``run`` writes OUT/table.md and OUT/table.json after every run and ends within ``--total`` seconds or is ended soon
after. ``pools`` and ``compile`` are the processes that it starts beside itself.
"""

import argparse
import faulthandler
import os
import tempfile
from pathlib import Path

import torch

from training.pocket.ablate import pools, runs, small

LATE = 20.0  # seconds after which a run that does not end is ended


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.pocket.ablate", description=__doc__)
    parser.add_argument("what", choices=("pack", "run", "pools", "compile"))
    parser.add_argument("small", type=Path, help="of pack: the whole pack")
    parser.add_argument("out", type=Path, help="of pack: the small one")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/atelier-training")
    seconds = {"total": 600.0, "judge": 35.0, "compile": 100.0, "wait": 60.0, "scoring": 8.0, "least": 5.0}
    for name, value in seconds.items():
        parser.add_argument(f"--{name}", type=float, default=value, help=f"seconds, {value:.0f}")
    for name, count in (("pool", 150_000), ("batch", 384), ("judge-batch", 1024), ("every", 1), ("steps", 10**9)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--only", type=int, nargs="+", default=range(len(pools.VARIANTS)), help="numbers of runs")
    parser.add_argument("--narrow", action="store_true", help="a small network, to try this on a CPU")
    return parser.parse_args()


def main(given: argparse.Namespace) -> None:
    """One of the four."""
    if given.what == "pack":
        small.pack(given.small, given.out, given.cache)
        return
    faulthandler.dump_traceback_later(given.total + LATE, exit=True)
    given.work = given.small
    if given.what == "run":
        with tempfile.TemporaryDirectory() as work:
            given.work = Path(work)
            runs.run(given)
    elif given.what == "pools":
        os.nice(5)
        pools.make_all(given.work / "pack", given.work, given.pool, given.only)
    else:
        runs.compile_ahead(given)


if __name__ == "__main__":
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    main(parse_arguments())
