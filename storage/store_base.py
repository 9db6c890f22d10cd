"""The base of the store's parts: the database that they share, and the clock."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from storage.database import Database


class StoreBase:
    """The database and the clock of a store. `clock` returns the time in Unix seconds."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def _unlink(self, paths: Sequence[Path]) -> None:
        """Delete the files at `paths` in a thread. Files that are missing already are skipped."""
        if paths:
            await asyncio.to_thread(_unlink, paths)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
