"""Files of requests that are still being decided: those of a refused request are deleted at once."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from engine.core.job import Media
from storage.files import Attachment, Files

IsNamed = Callable[[str], Awaitable[bool]]
"""Whether a job, a question or the cache names the file of this SHA-256."""


class Uploads:
    """Counts which files requests hold, since two of them may bring the same content.

    A file that was there before stays: the job that brought it may be asked for again.
    """

    def __init__(self, files: Files, is_named: IsNamed) -> None:
        self._files = files
        self._is_named = is_named
        self._holders: Counter[str] = Counter()
        self._new: set[str] = set()

    @asynccontextmanager
    async def of_request(self) -> AsyncIterator["Held"]:
        """Around all that is done to decide a request. Unless it is kept, its new files are gone at the end."""
        held = Held(self._files, self._hold)
        try:
            yield held
        finally:
            for sha256 in held.hashes:
                await asyncio.shield(self._release(sha256, kept=held.kept))

    def _hold(self, sha256: str) -> None:
        """Called before the file is in its place, so that nobody deletes it from under this request."""
        if not self._holders[sha256] and not self._files.paths(sha256):
            self._new.add(sha256)
        self._holders[sha256] += 1

    async def _release(self, sha256: str, *, kept: bool) -> None:
        named = kept or await self._is_named(sha256)
        self._holders[sha256] -= 1
        if named:
            self._new.discard(sha256)
        if self._holders[sha256]:
            return
        del self._holders[sha256]
        if sha256 in self._new:
            self._new.discard(sha256)
            _unlink(self._files.paths(sha256))


class Held:
    """The files of one request. `kept` once a job or a question was made with them."""

    def __init__(self, files: Files, hold: Callable[[str], None]) -> None:
        self._files = files
        self._hold = hold
        self.hashes: list[str] = []
        self.kept = False

    async def fetch(self, option: str, attachment: Attachment, accepts: Collection[str]) -> Media:
        """Fetch as `Files.fetch` does."""
        return await self._files.fetch(option, attachment, accepts, self._claim)

    def _claim(self, sha256: str) -> None:
        self._hold(sha256)
        self.hashes.append(sha256)


def _unlink(paths: Collection[Path]) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
