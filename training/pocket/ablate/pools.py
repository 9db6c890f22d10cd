"""Define the variants of the training data, each with one change left out, and sample their pools in a process."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from subprocess import Popen
from typing import Any

import numpy as np
import torch

from training.pocket import pictures, pool
from training.pocket.ablate.small import SETS
from training.pocket.compose import Recipes
from training.pocket.matcher import UNSEEN


@dataclass(frozen=True)
class Variant:
    """A run: the name of the change that it leaves out, and the options of its training data."""

    name: str
    published: bool = False
    even: bool = False
    plain: bool = False
    spanish: float = 0.15
    seed: int = 7


VARIANTS = (
    Variant("nothing"),
    Variant("mended captions", published=True),
    Variant("weights of sets and objects", even=True),
    Variant("scenes and compositions", plain=True),
    Variant("Spanish captions", spanish=0.0),
    Variant("nothing, another seed", seed=8),
)


def manifest(pack: Path, variant: Variant) -> dict[str, Any]:
    """Return the pack's manifest with the variant's change undone."""
    made = pictures.manifest(pack)
    if variant.published:
        for concept in made["concepts"].values():
            concept["en"] = concept["published"]
    if variant.even:
        for icon in made["icons"]:
            icon["w"] = 1.0
    return made


def make_all(pack: Path, folder: Path, count: int, numbers: Iterable[int]) -> None:
    """Write the judge's pool, from all sets but UNSEEN, and then the pool of each variant in `numbers`."""
    rgba, sets = np.asarray(pictures.icons(pack, 1)), set(SETS) - {UNSEEN}
    save(folder / "judge.pt", pool.make(pack, pictures.manifest(pack), rgba, count=count, seed=3, sets=sets))
    for number in numbers:
        variant = VARIANTS[number]
        told: dict[str, Any] = {"plain": variant.plain, "spanish": variant.spanish}
        made = pool.make(pack, manifest(pack, variant), rgba, count=count, seed=variant.seed, **told)
        save(folder / f"{number}.pt", made)


def save(path: Path, made: pool.Pool) -> None:
    """Write a pool atomically, so that a file is always complete."""
    tensors = {f.name: getattr(made.recipes, f.name) for f in fields(Recipes)} | {"ids": made.ids, "what": made.what}
    torch.save(tensors, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def wait_for_pool(path: Path, maker: "Popen[bytes]", seconds: float) -> pool.Pool:
    """Wait for a pool's file and return the pool.

    Raises TimeoutError when out of time, and ChildProcessError if the process that makes it died.
    """
    until = time.monotonic() + seconds
    while not path.exists():
        if maker.poll() is not None and not path.exists():
            raise ChildProcessError(f"the process that makes pools exited with {maker.returncode} before {path.name}")
        if time.monotonic() > until:
            raise TimeoutError(f"no {path.name} after {seconds:.0f} s")
        time.sleep(0.1)
    stored = torch.load(path, weights_only=True)
    return pool.Pool(Recipes(*(stored[f.name] for f in fields(Recipes))), stored["ids"], stored["what"])
