"""Read-only reports over the jobs of all users: statistics, rate limits, run times, and which files are in use."""

from collections.abc import Iterable, Mapping, Sequence

from storage import admission, cache, limits, runs, stats
from storage.cache import CacheStats
from storage.limits import Active, Allowance, Caps, Limit, Rate
from storage.runs import Run
from storage.stats import Hour, Stats, Usage
from storage.store_base import StoreBase


class Reports(StoreBase):
    """The store's read-only methods. Long queries run on a connection of their own, so that no job waits for them."""

    async def stats(self, since: float) -> Stats:
        """Return statistics of the jobs accepted at or after the Unix time `since`; 0 means all time."""
        return await self._database.long_read(lambda db: stats.stats(db, since))

    async def by_hour(self, now: float | None = None) -> list[Hour]:
        """Return the last 24 hours of the clock, oldest first. The last one contains `now`, a Unix time."""
        return await self._database.long_read(lambda db: stats.by_hour(db, self._clock() if now is None else now))

    async def top_users(self, since: float, count: int) -> list[Usage]:
        """Return the `count` users who used the most since the Unix time `since`. Callers show this to admins only."""
        return await self._database.long_read(lambda db: stats.top_users(db, since, count))

    async def cache_stats(self) -> CacheStats:
        """Return the size of the cache and how often it was hit."""
        return await self._database.read(cache.stats)

    async def limits_of(self, identities: Iterable[str], rates: Mapping[str, Rate | None]) -> dict[str, Allowance]:
        """Return, for each command with a rate, the allowance of the identity that has the least left."""
        identities = tuple(identities)
        return await self._database.read(lambda db: limits.allowances(db, identities, rates, self._clock()))

    async def recent_runs(self) -> list[Run]:
        """Return the most recent runs of each kind, oldest first."""
        return await self._database.read(runs.list_all)

    async def device_usage(self, since: float) -> list[tuple[str, float, float]]:
        """Return user, device-seconds and end of each job that ended since the Unix time `since`, by its end."""
        return await self._database.read(lambda db: runs.device_usage(db, since))

    async def count_active(self, since: float) -> Active:
        """Count the users who asked for a job since the Unix time `since`, and the rate limit tokens in use."""
        return await self._database.long_read(lambda db: limits.count_active(db, since))

    async def referenced_files(self) -> set[str]:
        """Return the SHA-256 of each file that the cache, an unfinished job or an open question refers to."""
        return await self._database.long_read(cache.referenced_hashes)

    async def is_referenced(self, sha256: str) -> bool:
        """Return whether a cache entry, an unfinished job or an open question refers to the file."""
        return await self._database.read(lambda db: cache.is_referenced(db, sha256))

    async def check_room(self, caps: Caps, bounds: Sequence[Limit]) -> None:
        """Raise RateLimited or TooMany if `admit` would refuse a job of this user now. Takes no tokens."""
        await self._database.read(lambda db: admission.check_room(db, caps, bounds, self._clock()))
