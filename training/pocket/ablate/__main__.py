"""Measure what each change contributes to the result.

    python -m training.pocket.ablate pack PACK SMALL
    python -m training.pocket.ablate run SMALL OUT

``run`` writes OUT/table.md and OUT/table.json after every run. It finishes within ``--total`` seconds or is stopped
soon afterwards. It starts ``pools`` and ``compile`` as separate processes.
"""

import argparse
import faulthandler
import os
import tempfile
from pathlib import Path

import torch

from training.pocket.ablate import pools, runs, small

GRACE_SECONDS = 20.0  # seconds after --total until a run that has not finished is stopped


def parse_arguments() -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.pocket.ablate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
    """Run one of the four subcommands."""
    if given.what == "pack":
        small.pack(given.small, given.out, given.cache)
        return
    faulthandler.dump_traceback_later(given.total + GRACE_SECONDS, exit=True)
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
