"""Bound how many requests with files are under way from one address, since each of them holds room on the disk."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.core.errors import TooMany

AT_ONCE = 32
"""Requests with files of one address: their files wait on the disk until they are answered."""


class Senders:
    """Counts requests with files by address."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @contextmanager
    def of(self, address: str) -> Iterator[Callable[[], None]]:
        """Yield what is called before each file of a request. It raises TooMany where that would be one too many."""
        counted = False

        def begin() -> None:
            nonlocal counted
            if not counted and self._counts[address] >= AT_ONCE:
                raise TooMany(
                    "{count} requests with files are under way from your address. Wait until one is answered.",
                    count=self._counts[address],
                )
            self._counts[address] += not counted
            counted = True

        try:
            yield begin
        finally:
            self._counts[address] -= counted
            if not self._counts[address]:
                del self._counts[address]
