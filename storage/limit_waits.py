"""Jobs that wait until their rate limits let them start. They are queued, but have not taken their tokens yet."""

import sqlite3
from collections.abc import Sequence

from storage import limits
from storage.limits import Limit, Rate


def add(db: sqlite3.Connection, job_id: str, bounds: Sequence[Limit]) -> None:
    """Let the queued job wait for `bounds`, behind the jobs that already do."""
    number = db.execute("SELECT number FROM jobs WHERE id = ?", (job_id,)).fetchone()["number"]
    rows = [(job_id, number, bound.identity, bound.command) for bound in bounds]
    db.executemany("INSERT OR IGNORE INTO limit_waits (job, number, identity, command) VALUES (?, ?, ?, ?)", rows)


def exists(db: sqlite3.Connection, job_id: str) -> bool:
    """Return whether the job waits for a rate limit."""
    return db.execute("SELECT 1 FROM limit_waits WHERE job = ?", (job_id,)).fetchone() is not None


def claim(db: sqlite3.Connection, job_id: str, rate: Rate | None, now: float) -> float:
    """Return the seconds until `rate` lets the job start. If there are none, take its tokens, once.

    `rate` is that of the job's command today; None means that it has no limit any more.
    """
    rows = db.execute("SELECT number, identity, command FROM limit_waits WHERE job = ?", (job_id,)).fetchall()
    bounds = [Limit(row["identity"], row["command"], rate) for row in rows] if rate else []
    start = max((limits.start_time(db, bound, now, rows[0]["number"]) for bound in bounds), default=now)
    if start > now:
        return start - now
    limits.take_tokens(db, bounds, job_id, now)
    db.execute("DELETE FROM limit_waits WHERE job = ?", (job_id,))
    return 0.0
