"""`python -m engine weights [--fetch] [--tier TIER] [--folder FOLDER] [NAME ...]`: list and download weights."""

import argparse
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from engine.core.errors import MissingModel
from engine.weights.registry import FOLDER, Weight, catalogue, fetch, find_weight


def main(arguments: list[str]) -> int:
    """Download weights if asked to, and print a table of them. Returns the exit code: 1 if a download failed."""
    given = _parser().parse_args(arguments)
    selected = [weight for weight in catalogue() if _is_selected_by(weight, given.name, given.tier)]
    accepts = given.accept_noncommercial_weights
    not_accepted = [weight.name for weight in selected if weight.noncommercial and not (accepts or given.name)]
    on_demand = [weight for weight in selected if weight.on_demand and not given.name]
    large = [weight for weight in on_demand if not weight.is_complete(given.folder)]
    allowed = [weight for weight in selected if weight.name not in not_accepted and weight not in large]
    to_fetch = allowed if given.fetch else []
    failed = [str(error) for weight in to_fetch for error in _try_to_fetch(weight, given.folder, accepts)]
    sys.stdout.write(_table(selected, given.folder) + "\n")
    if given.fetch and not_accepted:
        names = ", ".join(not_accepted)
        sys.stderr.write(f"Skipped, for non-commercial research only: {names}. See --accept-noncommercial-weights.\n")
    if given.fetch and large:
        names = ", ".join(f"{weight.name} ({_megabytes(weight.size)})" for weight in large)
        sys.stderr.write(f"Skipped because of their size: {names}. To download one, give its name.\n")
    sys.stderr.writelines(f"{line}\n" for line in failed)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine weights", description="List and download model weights.")
    names = ", ".join(weight.name for weight in catalogue())
    parser.add_argument("name", nargs="*", type=_check_name, help=f"only these weights: {names}")
    parser.add_argument("--fetch", action="store_true", help="download missing weights")
    parser.add_argument(
        "--accept-noncommercial-weights",
        action="store_true",
        help="include weights for non-commercial research only",
    )
    parser.add_argument("--tier", choices=["embedded", "full"], help="only weights of this tier")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the folder (default: %(default)s)")
    return parser


def _check_name(name: str) -> str:
    try:
        return find_weight(name).name
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _is_selected_by(weight: Weight, names: list[str], tier: str | None) -> bool:
    return (not names or weight.name in names) and tier in (None, weight.tier)


def _try_to_fetch(weight: Weight, folder: Path, accepts: bool) -> Iterable[MissingModel]:
    if weight.is_complete(folder) and not weight.find_truncated_files(folder):
        return
    try:
        show = partial(_show_progress, weight.name)
        fetch(weight, folder, show, accepts_noncommercial=accepts)
    except MissingModel as error:
        yield error
    finally:
        sys.stderr.write("\n")


def _show_progress(name: str, done: int, total: int) -> None:
    sys.stderr.write(f"\r{name}: {done / 1e6:,.1f} of {_megabytes(total)}")
    sys.stderr.flush()


def _table(weights: list[Weight], folder: Path) -> str:
    titles = ("name", "task", "tier", "size", "licence", "installed", "about")
    rows = [titles, *(_row(weight, folder) for weight in weights)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(weight: Weight, folder: Path) -> tuple[str, ...]:
    installed = "yes" if weight.is_complete(folder) else "no"
    state = installed if weight.has_checksums else f"{installed}, unchecked"
    return weight.name, weight.task, weight.tier, _megabytes(weight.size), weight.licence, state, weight.about


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
