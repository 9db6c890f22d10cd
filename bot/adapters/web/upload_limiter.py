"""Limit the uploads in progress from one address, since each of them takes space on the disk."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.core.errors import TooMany

MAX_UPLOADS_PER_ADDRESS = 32
"""Requests with files in progress from one address. Their files stay on the disk until they are answered."""


class UploadLimiter:
    """Counts requests with files by address."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @contextmanager
    def track(self, address: str) -> Iterator[Callable[[], None]]:
        """Yield a function to be called before each file of a request. It raises TooMany where this request would be
        one too many.
        """
        is_counted = False

        def count_upload() -> None:
            nonlocal is_counted
            if not is_counted and self._counts[address] >= MAX_UPLOADS_PER_ADDRESS:
                raise TooMany(
                    "{count} upload from your address is already in progress. Wait until it finishes.",
                    plural="{count} uploads from your address are already in progress. Wait until one finishes.",
                    count=self._counts[address],
                )
            self._counts[address] += not is_counted
            is_counted = True

        try:
            yield count_upload
        finally:
            self._counts[address] -= is_counted
            if not self._counts[address]:
                del self._counts[address]
