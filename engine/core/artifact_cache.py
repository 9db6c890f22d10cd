"""What jobs were made of, kept by what it was made from: another job with the same part makes only what is new."""

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
"""Parts that no job has used for so long are forgotten."""


class ArtifactCache:
    """The parts of one studio, under its data `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "parts"

    def get_or_create(self, key: str, make: Callable[[], Result]) -> Result:
        """What was made for `key` before, where its files are still whole, or else what `make` makes now."""
        shelf = StageStore(self._folder, key[:2])
        found = shelf.load(key)
        if found is None:
            found = make()
        shelf.save(key, found)  # also what was found: it is used now
        return found

    def files(self) -> set[str]:
        """The hashes of the files that are still of use; what no job has used for DAYS is forgotten."""
        before, kept = time.time() - MAX_AGE_DAYS * 86400, set[str]()
        for path in self._folder.glob("*/*/*"):
            with contextlib.suppress(FileNotFoundError):  # a worker puts a newer one in its place
                if path.stat().st_mtime < before:
                    path.unlink()
                elif path.suffix == ".json" and (result := read_result(path)) is not None:
                    kept |= {media.sha256 for media in result.media}
        return kept


def key_of(*made_from: Any) -> str:
    """The key of what is made from these values, which JSON can tell."""
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
