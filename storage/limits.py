"""Rate limits with a sliding window: each identity takes at most `count` tokens of a command in any `seconds`."""

import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.core.errors import RateLimited, TooMany
from engine.core.job import Job


@dataclass(frozen=True)
class Rate:
    """At most `count` jobs in any window of `seconds`. A token taken at time `t` is free again at `t + seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True)
class Limit:
    """The rate at which `identity` (a user, a web session or an address) may use `command`."""

    identity: str
    command: str
    rate: Rate


@dataclass(frozen=True)
class Allowance:
    """How often a command can still be used: `left` of `count` times in a window of `window` seconds."""

    count: int
    window: float
    used: int
    left: int
    #: The Unix time at which the next token is free again; None if no token is taken.
    resets_at: float | None


@dataclass(frozen=True)
class Active:
    """How many users asked for jobs, and how many tokens are taken or have not been deleted yet."""

    users: int
    requests: int


LAST = 2**63 - 1
"""The number of a job that comes after all others."""


def start_time(db: sqlite3.Connection, limit: Limit, now: float, number: int = LAST) -> float:
    """Return the Unix time, `now` or later, at which the job of this number may start, or by default a new job.

    Jobs that wait for the same limit start in the order of their numbers. In any window the limit starts `count` jobs,
    so each starts a window after the `count`-th job before it. A use dated after `now` does not count: the clock was
    set back.
    """
    ahead: int = db.execute(
        "SELECT count(*) FROM limit_waits WHERE identity = ? AND command = ? AND number < ?",
        (limit.identity, limit.command, number),
    ).fetchone()[0]
    windows, place = divmod(ahead, limit.rate.count)
    row = db.execute(
        "SELECT at FROM uses WHERE identity = ? AND command = ? AND at <= ? ORDER BY at DESC LIMIT 1 OFFSET ?",
        (limit.identity, limit.command, now, limit.rate.count - place - 1),
    ).fetchone()
    first = max(float(row["at"]) + limit.rate.seconds, now) if row else now
    return first + windows * limit.rate.seconds


def are_free(db: sqlite3.Connection, limits: Iterable[Limit], now: float) -> bool:
    """Return whether each of `limits` has a token that no waiting job is to take."""
    return all(start_time(db, limit, now) <= now for limit in limits)


def check(db: sqlite3.Connection, limits: Iterable[Limit], now: float) -> None:
    """Raise RateLimited if any of `limits` is used up, with the exact time until all of them have a token again."""
    waits = [(start - now, limit) for limit in limits if (start := start_time(db, limit, now)) > now]
    if waits:
        wait, limit = max(waits, key=lambda pair: pair[0])
        raise RateLimited(
            "You have reached the limit of /{command}: {count} in {window:duration}. Try again in {seconds:duration}.",
            command=limit.command,
            count=limit.rate.count,
            window=limit.rate.seconds,
            seconds=math.ceil(wait),
            wait=wait,
        )


@dataclass(frozen=True)
class Caps:
    """How many jobs of `user` may wait (`max_queued`) and run at once (`max_running`). None means any number."""

    user: str
    max_queued: int | None
    max_running: int | None

    @classmethod
    def of(cls, job: Job) -> "Caps":
        """Return the caps that apply to `job`."""
        return cls(job.user, job.max_queued, job.max_running)


def check_caps(db: sqlite3.Connection, caps: Caps) -> None:
    """Raise TooMany if the user already has as many jobs waiting as may wait.

    If no job may wait at all, raise it if as many jobs run as may run at once.
    """
    rows = db.execute(
        "SELECT state, count(*) FROM jobs WHERE user = ? AND state IN ('queued', 'running', 'delivering')"
        " GROUP BY state",
        (caps.user,),
    )
    counts: dict[str, int] = dict(tuple(row) for row in rows)
    waiting, running = counts.get("queued", 0), counts.get("running", 0)
    if caps.max_queued and waiting >= caps.max_queued:
        raise TooMany(
            "You have {count} job waiting; the limit is {bound}. Try again when it has started, or /cancel it.",
            plural="You have {count} jobs waiting; the limit is {bound}. Try again when one has started, or "
            "/cancel one.",
            count=waiting,
            bound=caps.max_queued,
        )
    if caps.max_queued == 0 and caps.max_running is not None and waiting + running >= caps.max_running:
        raise TooMany(
            "You have {count} job running; the limit is {bound}. Try again when it has finished.",
            plural="You have {count} jobs running; the limit is {bound}. Try again when one has finished.",
            count=waiting + running,
            bound=caps.max_running,
        )


def take_tokens(db: sqlite3.Connection, limits: Sequence[Limit], job_id: str, now: float) -> None:
    """Take one token of each identity and command for a job, even if two rates limit the same pair."""
    windows: dict[tuple[str, str], float] = {}
    for limit in limits:
        pair = (limit.identity, limit.command)
        windows[pair] = max(limit.rate.seconds, windows.get(pair, 0))
    rows = [(identity, command, now, now + window, job_id) for (identity, command), window in windows.items()]
    db.executemany("INSERT INTO uses (identity, command, at, until, job) VALUES (?, ?, ?, ?, ?)", rows)


def allowances(
    db: sqlite3.Connection, identities: Iterable[str], limits: Mapping[str, Rate | None], now: float
) -> dict[str, Allowance]:
    """Return, for each command with a rate, the allowance of the identity that has the least left."""
    identities = list(identities)
    return {
        command: min((_allowance(db, Limit(who, command, rate), now) for who in identities), key=_tightness)
        for command, rate in limits.items()
        if rate is not None and identities
    }


def count_active(db: sqlite3.Connection, since: float) -> Active:
    """Count the users who asked for a job since the Unix time `since`, and the stored tokens."""
    users = db.execute("SELECT count(DISTINCT user) FROM jobs WHERE created >= ?", (since,)).fetchone()[0]
    return Active(users, db.execute("SELECT count(*) FROM uses").fetchone()[0])


def delete_expired(db: sqlite3.Connection, now: float) -> int:
    """Delete the tokens that are free again and return their number."""
    return db.execute("DELETE FROM uses WHERE until <= ?", (now,)).rowcount


def _allowance(db: sqlite3.Connection, limit: Limit, now: float) -> Allowance:
    count, window = limit.rate.count, limit.rate.seconds
    used, oldest = db.execute(
        "SELECT count(*), min(at) FROM uses WHERE identity = ? AND command = ? AND at <= ? AND at + ? > ?",
        (limit.identity, limit.command, now, window, now),
    ).fetchone()
    if used >= count:
        return Allowance(count, window, used, 0, start_time(db, limit, now))
    return Allowance(count, window, used, count - used, oldest + window if used else None)


def _tightness(allowance: Allowance) -> tuple[int, float]:
    return allowance.left, -(allowance.resets_at or 0)
