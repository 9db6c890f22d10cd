"""`python -m engine weights [--fetch] [--tier TIER] [--folder FOLDER] [NAME ...]`: what there is, and fetching."""

import argparse
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from engine.core.errors import MissingModel
from engine.weights.registry import FOLDER, Weight, catalogue, fetch, find_weight


def main(arguments: list[str]) -> int:
    """Print what is listed, after fetching it if asked. Returns 1 when something could not be fetched."""
    given = _parser().parse_args(arguments)
    wanted = [weight for weight in catalogue() if _is_selected_by(weight, given.name, given.tier)]
    accepts = given.accept_noncommercial_weights
    left = [weight.name for weight in wanted if weight.noncommercial and not (accepts or given.name)]
    large = [weight for weight in wanted if weight.apart and not given.name and not weight.is_complete(given.folder)]
    fetched = [weight for weight in wanted if given.fetch and weight.name not in left and weight not in large]
    failed = [str(error) for weight in fetched for error in _try(weight, given.folder, accepts)]
    sys.stdout.write(_table(wanted, given.folder) + "\n")
    if given.fetch and left:
        names = ", ".join(left)
        sys.stderr.write(f"left out, for non-commercial research only: {names} (see --accept-noncommercial-weights)\n")
    if given.fetch and large:
        names = ", ".join(f"{weight.name} ({_megabytes(weight.size)})" for weight in large)
        sys.stderr.write(f"left out, because it is large: {names}; name it to fetch it\n")
    sys.stderr.writelines(f"{line}\n" for line in failed)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine weights", description="What weights there are, and where.")
    names = ", ".join(weight.name for weight in catalogue())
    parser.add_argument("name", nargs="*", type=_check_name, help=f"only these, of {names}")
    parser.add_argument("--fetch", action="store_true", help="fetch what is missing")
    parser.add_argument(
        "--accept-noncommercial-weights",
        action="store_true",
        help="also what is for research only",
    )
    parser.add_argument("--tier", choices=["embedded", "full"], help="only this tier's")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they lie: $ATELIER_WEIGHTS or %(default)s")
    return parser


def _check_name(name: str) -> str:
    try:
        return find_weight(name).name
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _is_selected_by(weight: Weight, names: list[str], tier: str | None) -> bool:
    return (not names or weight.name in names) and tier in (None, weight.tier)


def _try(weight: Weight, folder: Path, accepts: bool) -> Iterable[MissingModel]:
    if weight.is_complete(folder) and not weight.truncated(folder):
        return
    try:
        show = partial(_show, weight.name)
        fetch(weight, folder, show, accepts_noncommercial=accepts)
    except MissingModel as error:
        yield error
    finally:
        sys.stderr.write("\n")


def _show(name: str, done: int, total: int) -> None:
    sys.stderr.write(f"\r{name}: {done / 1e6:,.1f} of {_megabytes(total)}")
    sys.stderr.flush()


def _table(weights: list[Weight], folder: Path) -> str:
    rows = [("name", "task", "tier", "size", "licence", "here", "about"), *(_row(weight, folder) for weight in weights)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(weight: Weight, folder: Path) -> tuple[str, ...]:
    here = "yes" if weight.is_complete(folder) else "no"
    state = here if weight.has_checksums else f"{here}, unchecked"
    return weight.name, weight.task, weight.tier, _megabytes(weight.size), weight.licence, state, weight.about


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
