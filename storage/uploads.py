"""Files of requests that are not decided yet. If a request is refused, its files are deleted at once."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from engine.core.job import Media
from storage.files import Attachment, Files

IsReferenced = Callable[[str], Awaitable[bool]]
"""Returns whether a job, a question or the cache refers to the file with this SHA-256."""


class Uploads:
    """Counts which requests use a file, because two requests may bring the same content.

    A file that existed before the request is never deleted: the job that brought it may be repeated.
    """

    def __init__(self, files: Files, is_referenced: IsReferenced) -> None:
        self._files = files
        self._is_referenced = is_referenced
        self._holders: Counter[str] = Counter()
        self._new: set[str] = set()

    @asynccontextmanager
    async def of_request(self) -> AsyncIterator["RequestFiles"]:
        """Yield the files of a request while it is decided. At the end its new files are deleted unless it is kept."""
        files = RequestFiles(self._files, self._hold)
        try:
            yield files
        finally:
            for sha256 in files.hashes:
                await asyncio.shield(self._release(sha256, kept=files.kept))

    def _hold(self, sha256: str) -> None:
        """Count one more request for the file, before the file is in place, so that nobody deletes it meanwhile."""
        if not self._holders[sha256] and not self._files.paths(sha256):
            self._new.add(sha256)
        self._holders[sha256] += 1

    async def _release(self, sha256: str, *, kept: bool) -> None:
        referenced = kept or await self._is_referenced(sha256)
        self._holders[sha256] -= 1
        if referenced:
            self._new.discard(sha256)
        if self._holders[sha256]:
            return
        del self._holders[sha256]
        if sha256 in self._new:
            self._new.discard(sha256)
            _unlink(self._files.paths(sha256))


class RequestFiles:
    """The files of one request. Set `kept` once a job or a question was created with them."""

    def __init__(self, files: Files, hold: Callable[[str], None]) -> None:
        self._files = files
        self._hold = hold
        self.hashes: list[str] = []
        self.kept = False

    async def fetch(self, option: str, attachment: Attachment, accepts: Collection[str]) -> Media:
        """Fetch an attachment as `Files.fetch` does, and count it as a file of this request."""
        return await self._files.fetch(option, attachment, accepts, self._claim)

    def _claim(self, sha256: str) -> None:
        self._hold(sha256)
        self.hashes.append(sha256)


def _unlink(paths: Collection[Path]) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
