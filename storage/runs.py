"""How many device-seconds runs took: by kind, for telling what is left; and by person, for a fair start."""

import sqlite3

MAX_RUNS = 20
"""Runs of a kind that are kept."""
DAY_SECONDS = 86400.0

Run = tuple[str, str, str, str, float]
"""Task, model, size, device and device-seconds; the first four are the run's kind."""


def insert(db: sqlite3.Connection, run: Run) -> None:
    db.execute("INSERT INTO runs (task, model, size, device, seconds) VALUES (?, ?, ?, ?, ?)", run)
    same = "task = ? AND model = ? AND size = ? AND device = ?"
    oldest = f"SELECT number FROM runs WHERE {same} ORDER BY number DESC LIMIT 1 OFFSET {MAX_RUNS}"  # noqa: S608  # constants
    db.execute(f"DELETE FROM runs WHERE {same} AND number <= ({oldest})", (*run[:4], *run[:4]))  # noqa: S608


def every(db: sqlite3.Connection) -> list[Run]:
    """Oldest first."""
    rows = db.execute("SELECT task, model, size, device, seconds FROM runs ORDER BY number")
    return [tuple(row) for row in rows]


def device_usage(db: sqlite3.Connection, since: float) -> list[tuple[str, float, float]]:
    """User, device-seconds and end of each job that ended since then, in that order. A job waits a day at most."""
    rows = db.execute(
        "SELECT user, seconds, ended FROM jobs WHERE created >= ? AND ended >= ? AND seconds > 0 ORDER BY ended",
        (since - DAY_SECONDS, since),
    )
    return [tuple(row) for row in rows]
