"""Limits as a sliding window: at most `count` tokens taken in any `seconds` seconds, by each identity and command."""

import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.core.errors import RateLimited, TooMany
from engine.core.job import Job


@dataclass(frozen=True)
class Rate:
    """`count` jobs in a window of `seconds`; a token taken at `t` is back at `t + seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True)
class Limit:
    """What `identity` (a user, a web session, an address) may ask of `command`."""

    identity: str
    command: str
    rate: Rate


@dataclass(frozen=True)
class Allowance:
    """What is left of a command. `resets_at` is the Unix time when the next token comes back, None when none is out."""

    count: int
    window: float
    used: int
    left: int
    resets_at: float | None


@dataclass(frozen=True)
class Active:
    """How many people asked for jobs, and how many tokens are out or not tidied yet."""

    users: int
    requests: int


def check(db: sqlite3.Connection, limits: Iterable[Limit], now: float) -> None:
    """Raise RateLimited with the longest exact wait when any of `limits` is used up."""
    waits = [(end - now, limit) for limit in limits if (end := _free_at(db, limit, now)) > now]
    if waits:
        wait, limit = max(waits, key=lambda each: each[0])
        raise RateLimited(
            "/{command} may be used {count} times in {window:g} s, and you have. Try again in {seconds} s.",
            command=limit.command,
            count=limit.rate.count,
            window=limit.rate.seconds,
            seconds=math.ceil(wait),
            wait=wait,
        )


@dataclass(frozen=True)
class Caps:
    """How many jobs of `user` may wait, and run at once; None is no bound."""

    user: str
    in_line: int | None
    at_once: int | None

    @classmethod
    def of(cls, job: Job) -> "Caps":
        return cls(job.user, job.in_line, job.at_once)


def check_caps(db: sqlite3.Connection, caps: Caps) -> None:
    """Raise TooMany when the person has as many jobs waiting as may wait, or none may and as many run as may run."""
    rows = db.execute(
        "SELECT state, count(*) FROM jobs WHERE user = ? AND state IN ('queued', 'running', 'delivering')"
        " GROUP BY state",
        (caps.user,),
    )
    counts: dict[str, int] = dict(tuple(row) for row in rows)
    waiting, running = counts.get("queued", 0), counts.get("running", 0)
    if caps.in_line and waiting >= caps.in_line:
        raise TooMany(
            "You have {count} jobs waiting; at most {bound} may wait. Try again when one has started, or /cancel one.",
            count=waiting,
            bound=caps.in_line,
        )
    if caps.in_line == 0 and caps.at_once is not None and waiting + running >= caps.at_once:
        raise TooMany(
            "You have {count} jobs running; at most {bound} may run at once. Try again when one has ended.",
            count=waiting + running,
            bound=caps.at_once,
        )


def take(db: sqlite3.Connection, limits: Sequence[Limit], job: Job, now: float) -> None:
    """Take one token of every identity and command, even where two rates bound the same ones."""
    windows: dict[tuple[str, str], float] = {}
    for limit in limits:
        who = (limit.identity, limit.command)
        windows[who] = max(limit.rate.seconds, windows.get(who, 0))
    rows = [(identity, command, now, now + window, job.id) for (identity, command), window in windows.items()]
    db.executemany("INSERT INTO uses (identity, command, at, until, job) VALUES (?, ?, ?, ?, ?)", rows)


def allowances(
    db: sqlite3.Connection, identities: Iterable[str], limits: Mapping[str, Rate | None], now: float
) -> dict[str, Allowance]:
    """By command with a limit, what the identity with the least left has left."""
    everyone = list(identities)
    return {
        command: min((_allowance(db, Limit(who, command, rate), now) for who in everyone), key=_tightness)
        for command, rate in limits.items()
        if rate is not None and everyone
    }


def active(db: sqlite3.Connection, since: float) -> Active:
    users = db.execute("SELECT count(DISTINCT user) FROM jobs WHERE created >= ?", (since,)).fetchone()[0]
    return Active(users, db.execute("SELECT count(*) FROM uses").fetchone()[0])


def tidy(db: sqlite3.Connection, now: float) -> int:
    """Drop the tokens that came back; how many."""
    return db.execute("DELETE FROM uses WHERE until <= ?", (now,)).rowcount


def _free_at(db: sqlite3.Connection, limit: Limit, now: float) -> float:
    """When the `count` newest tokens no longer fill the window. A use dated after `now` (the clock was set) is none."""
    row = db.execute(
        "SELECT at FROM uses WHERE identity = ? AND command = ? AND at <= ? ORDER BY at DESC LIMIT 1 OFFSET ?",
        (limit.identity, limit.command, now, limit.rate.count - 1),
    ).fetchone()
    return float(row["at"]) + limit.rate.seconds if row else now


def _allowance(db: sqlite3.Connection, limit: Limit, now: float) -> Allowance:
    count, window = limit.rate.count, limit.rate.seconds
    used, oldest = db.execute(
        "SELECT count(*), min(at) FROM uses WHERE identity = ? AND command = ? AND at <= ? AND at + ? > ?",
        (limit.identity, limit.command, now, window, now),
    ).fetchone()
    if used >= count:
        return Allowance(count, window, used, 0, _free_at(db, limit, now))
    return Allowance(count, window, used, count - used, oldest + window if used else None)


def _tightness(allowance: Allowance) -> tuple[int, float]:
    return allowance.left, -(allowance.resets_at or 0)
