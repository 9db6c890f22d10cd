"""Sample a pool of recipes with tokenised captions, on all cores, before training starts."""

import hashlib
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
from training.pocket.recipes import Recipe, RecipeSampler

CHUNK_RECIPES = 4000


@dataclass
class Pool:
    """N recipes with the captions' token ``ids`` (N, LENGTH) int16.

    ``what`` (N,) int64 is equal if two mean the same.
    """

    recipes: Recipes
    ids: Tensor
    what: Tensor

    def to(self, device: torch.device) -> "Pool":
        """Return the pool on a device."""
        moved = [getattr(self.recipes, f.name).to(device) for f in fields(Recipes)]
        return Pool(Recipes(*moved), self.ids.to(device), self.what.to(device))


_sampler: RecipeSampler | None = None  # set before the workers are forked, so that they share its arrays
_pack = Path()


def make(
    pack: Path,
    manifest: dict[str, Any],
    rgba: Array,
    *,
    count: int,
    seed: int,
    sets: set[str] | None = None,
    **left: Any,
) -> Pool:
    """Sample ``count`` recipes on all cores, the same ones for the same seed. ``left`` are options of the sampler."""
    global _sampler, _pack
    _sampler, _pack = RecipeSampler(manifest, rgba, sets, **left), pack
    jobs = [(min(CHUNK_RECIPES, count - at), seed * 100_003 + at) for at in range(0, count, CHUNK_RECIPES)]
    workers = max(1, len(os.sched_getaffinity(0)) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    with multiprocessing.get_context("fork").Pool(workers) as processes:
        parts = processes.map(_part, jobs, chunksize=1)
    return join_pools(parts)


def _part(job: tuple[int, int]) -> dict[str, Array]:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    assert _sampler is not None
    count, seed = job
    r = np.random.default_rng(seed)
    return columns([_sampler.sample(r) for _ in range(count)], _pack)


def columns(made: list[Recipe], pack: Path) -> dict[str, Array]:
    """Return recipes as arrays, with the captions' token ids and a number for each meaning."""
    stacked = {f.name: np.stack([getattr(m, f.name) for m in made]) for f in fields(Recipes)}
    what = np.array([int.from_bytes(hashlib.blake2b(m.what.encode(), digest_size=7).digest()) for m in made])
    return stacked | {"ids": text.tokens(text.tokenizer(pack), [m.caption for m in made]), "what": what}


def join_pools(parts: list[dict[str, Array]]) -> Pool:
    """Join parts to one pool."""
    whole = {name: torch.from_numpy(np.concatenate([p[name] for p in parts])) for name in parts[0]}
    return Pool(Recipes(*(whole[f.name] for f in fields(Recipes))), whole["ids"], whole["what"])
