"""What the store tells of everybody's jobs together: statistics, limits, and what was learnt."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence

from storage import cache, limits, runs, stats
from storage.cache import CacheStats
from storage.database import Database
from storage.limits import Active, Allowance, Caps, Limit, Rate
from storage.runs import Run
from storage.stats import Hour, Stats, Usage


class Reports:
    """Reads alone. `clock` gives Unix seconds."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def stats(self, since: float) -> Stats:
        """Of the jobs accepted at or after the Unix time `since`; 0 is all time."""
        return await self._database.long_read(lambda db: stats.stats(db, since))

    async def by_hour(self, now: float | None = None) -> list[Hour]:
        """The last 24 hours of the clock, oldest first."""
        return await self._database.long_read(lambda db: stats.by_hour(db, self._at(now)))

    async def top_users(self, since: float, count: int) -> list[Usage]:
        """Who used most since the Unix time `since`. For admins only: the command decides."""
        return await self._database.long_read(lambda db: stats.top_users(db, since, count))

    async def cache_stats(self) -> CacheStats:
        return await self._database.read(cache.stats)

    async def limits_of(self, identities: Iterable[str], rates: Mapping[str, Rate | None]) -> dict[str, Allowance]:
        """What is left of each command that has a rate, by the identity that has least left."""
        everyone = tuple(identities)
        return await self._database.read(lambda db: limits.allowances(db, everyone, rates, self._clock()))

    async def runs(self) -> list[Run]:
        """The last runs of every kind, oldest first."""
        return await self._database.read(runs.every)

    async def device_usage(self, since: float) -> list[tuple[str, float, float]]:
        """User, device-seconds and end of each job that ended since the Unix time `since`, in that order."""
        return await self._database.read(lambda db: runs.device_usage(db, since))

    async def active(self, since: float) -> Active:
        """The users who asked for a job since the Unix time `since`, and the tracked requests."""
        return await self._database.long_read(lambda db: limits.active(db, since))

    async def referenced_files(self) -> set[str]:
        """The hashes of the files that the cache, an unfinished job or an open question names, for `Files.prune`."""
        return await self._database.long_read(cache.referenced_hashes)

    async def check_room(self, caps: Caps, bounds: Sequence[Limit]) -> None:
        """Raise RateLimited or TooMany where `admit` would now refuse a job of this person; take nothing."""
        await self._database.read(lambda db: _check_room(db, caps, bounds, self._clock()))

    async def is_named(self, sha256: str) -> bool:
        """Whether a cache entry, an unfinished job or an open question names the file."""
        return await self._database.read(lambda db: cache.is_named(db, sha256))

    def _at(self, now: float | None) -> float:
        return self._clock() if now is None else now


def _check_room(db: sqlite3.Connection, caps: Caps, bounds: Sequence[Limit], now: float) -> None:
    limits.check_caps(db, caps)
    limits.check(db, bounds, now)
