"""Statistics over the job rows: how many jobs there were and how long they took."""

import math
import sqlite3
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Spread:
    """The median and the 95th percentile (nearest rank) of `count` values, in seconds."""

    count: int
    median: float
    p95: float


@dataclass(frozen=True)
class Stats:
    """Statistics of the jobs that were accepted in a period, and the cache hits and misses among them."""

    #: Command -> outcome -> number of jobs. An outcome is a state, or `cached`.
    jobs: Mapping[str, Mapping[str, int]]
    #: Time from acceptance until a worker starts; None if no job was started.
    waiting: Spread | None
    #: Time from the start to the end; None if no job has ended.
    running: Spread | None
    hits: int
    misses: int


@dataclass(frozen=True)
class Hour:
    """The jobs accepted in the hour that begins at the Unix time `start`. `done` does not count the cached ones."""

    start: float
    done: int
    failed: int
    cached: int


@dataclass(frozen=True)
class Usage:
    """How much a user asked for: the number of jobs of any outcome, and device-seconds."""

    user: str
    jobs: int
    seconds: float


def stats(db: sqlite3.Connection, since: float) -> Stats:
    """Return statistics of the jobs accepted at or after the Unix time `since`."""
    jobs = _by_outcome(db, since)
    hits = sum(outcomes.get("cached", 0) for outcomes in jobs.values())
    return Stats(
        jobs=jobs,
        waiting=_spread(db, "started - created", since),
        running=_spread(db, "ended - started", since),
        hits=hits,
        misses=sum(sum(outcomes.values()) for outcomes in jobs.values()) - hits,
    )


def by_hour(db: sqlite3.Connection, now: float) -> list[Hour]:
    """Return the last 24 hours of the clock, oldest first. The last one contains the Unix time `now`."""
    first = math.floor(now / HOUR_SECONDS) - 23
    rows = db.execute(
        "SELECT CAST(created / ? AS INTEGER) - ? AS bucket, sum(state = 'done' AND NOT cached) AS done,"
        " sum(state = 'failed') AS failed, sum(cached) AS cached FROM jobs WHERE created >= ? GROUP BY bucket",
        (HOUR_SECONDS, first, first * HOUR_SECONDS),
    )
    counts = {row["bucket"]: (row["done"], row["failed"], row["cached"]) for row in rows}
    return [Hour((first + bucket) * HOUR_SECONDS, *counts.get(bucket, (0, 0, 0))) for bucket in range(24)]


def top_users(db: sqlite3.Connection, since: float, count: int) -> list[Usage]:
    """Return the `count` users with the most device-seconds; of those with equally many, the ones with more jobs."""
    rows = db.execute(
        "SELECT user, count(*), sum(seconds) AS used FROM jobs WHERE created >= ?"
        " GROUP BY user ORDER BY used DESC, count(*) DESC, user LIMIT ?",
        (since, count),
    )
    return [Usage(*row) for row in rows]


def _by_outcome(db: sqlite3.Connection, since: float) -> dict[str, dict[str, int]]:
    rows = db.execute(
        "SELECT command, iif(cached, 'cached', state) AS outcome, count(*) AS jobs FROM jobs WHERE created >= ?"
        " GROUP BY command, outcome ORDER BY command, outcome",
        (since,),
    )
    jobs: dict[str, dict[str, int]] = {}
    for row in rows:
        jobs.setdefault(row["command"], {})[row["outcome"]] = row["jobs"]
    return jobs


def _spread(db: sqlite3.Connection, length: str, since: float) -> Spread | None:
    query = f"SELECT {length} AS length FROM jobs WHERE created >= ? AND length IS NOT NULL ORDER BY length"  # noqa: S608
    lengths = [row["length"] for row in db.execute(query, (since,))]
    if not lengths:
        return None
    return Spread(len(lengths), statistics.median(lengths), lengths[math.ceil(0.95 * len(lengths)) - 1])
