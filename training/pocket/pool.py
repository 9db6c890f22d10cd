"""A pool of recipes with their captions already turned into token ids, made once by every core before training."""

import multiprocessing
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.pocket import text
from training.pocket.colour import Array
from training.pocket.compose import Recipes
from training.pocket.recipes import Cook, Recipe

PART = 4000


@dataclass
class Pool:
    """``recipes`` of N pictures, ``ids`` (N, LENGTH) int16, ``what`` (N,) int64: equal where two mean the same."""

    recipes: Recipes
    ids: Tensor
    what: Tensor

    def to(self, device: torch.device) -> "Pool":
        """The same on a device."""
        moved = [getattr(self.recipes, f.name).to(device) for f in fields(Recipes)]
        return Pool(Recipes(*moved), self.ids.to(device), self.what.to(device))


_cook: Cook | None = None  # set before the workers are forked, so that they share its arrays
_pack = Path()


def make(pack: Path, manifest: dict[str, Any], rgba: Array, count: int, seed: int, sets: set[str] | None = None) -> Pool:
    """``count`` recipes, the same for the same seed; on as many processes as this process may use cores."""
    global _cook, _pack
    _cook, _pack = Cook(manifest, rgba, sets), pack
    jobs = [(min(PART, count - at), seed * 100_003 + at) for at in range(0, count, PART)]
    workers = max(1, len(os.sched_getaffinity(0)) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    with multiprocessing.get_context("fork").Pool(workers) as processes:
        parts = processes.map(_part, jobs, chunksize=1)
    return stack([recipe for made, _ in parts for recipe in made], np.concatenate([ids for _, ids in parts]))


def _part(job: tuple[int, int]) -> tuple[list[Recipe], Array]:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    assert _cook is not None
    count, seed = job
    r = np.random.default_rng(seed)
    made = [_cook.make(r) for _ in range(count)]
    return made, text.tokens(text.tokenizer(_pack), [recipe.caption for recipe in made])


def stack(made: list[Recipe], ids: Array) -> Pool:
    """Recipes as tensors."""
    columns = {f.name: torch.from_numpy(np.stack([getattr(m, f.name) for m in made])) for f in fields(Recipes)}
    number: dict[str, int] = {}
    what = [number.setdefault(m.what, len(number)) for m in made]
    return Pool(Recipes(**columns), torch.from_numpy(ids), torch.tensor(what))
