"""`python -m tests.faults`."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.run import fault_run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=8, help="kills of worker and bot at each stage")
    parser.add_argument("--keep", type=Path, help="a folder that keeps bot.log")
    options = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # connections that a kill cut
    with TemporaryDirectory() as name:
        report = asyncio.run(fault_run(options.keep or Path(name), options.jobs, options.seed, options.rounds))
    print(report)
    return bool(report.errors)


if __name__ == "__main__":
    sys.exit(main())
