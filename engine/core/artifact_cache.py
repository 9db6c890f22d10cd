"""A cache of intermediate results, keyed by their inputs, so that a later job recomputes only what changed."""

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.core.job import Result
from engine.core.stage_store import StageStore, read_result

MAX_AGE_DAYS = 3
"""Days after which an artifact that no job has used is deleted."""


class ArtifactCache:
    """The artifacts of one studio, stored in `parts` under its data `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "parts"

    def get_or_create(self, key: str, make: Callable[[], Result]) -> Result:
        """Return the artifact of `key`, calling `make` if it is missing or one of its files is damaged.

        Each call renews the artifact's age. Raises what `make` raises.
        """
        store = StageStore(self._folder, key[:2])
        result = store.load(key)
        if result is None:
            result = make()
        store.save(key, result)  # a hit is saved as well, to renew its age
        return result

    def files(self) -> set[str]:
        """Return the SHA-256 of every file that an artifact refers to, after deleting artifacts over MAX_AGE_DAYS."""
        oldest, hashes = time.time() - MAX_AGE_DAYS * 86400, set[str]()
        for path in self._folder.glob("*/*/*"):
            with contextlib.suppress(FileNotFoundError):  # a worker is replacing it
                if path.stat().st_mtime < oldest:
                    path.unlink()
                elif path.suffix == ".json" and (result := read_result(path)) is not None:
                    hashes |= {media.sha256 for media in result.media}
        return hashes


def key_of(*inputs: Any) -> str:
    """Return the cache key of an artifact made from these inputs, which must be serialisable as JSON."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
