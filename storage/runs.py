"""How many device-seconds runs took: by kind, to estimate how long a job takes, and by user, to share fairly."""

import sqlite3

MAX_RUNS = 20
"""Runs of each kind that are kept."""
DAY_SECONDS = 86400.0

Run = tuple[str, str, str, str, float]
"""Task, model, size, device and device-seconds. The first four are the kind of the run."""


def insert(db: sqlite3.Connection, run: Run) -> None:
    """Store a run and delete the oldest ones of its kind beyond MAX_RUNS."""
    db.execute("INSERT INTO runs (task, model, size, device, seconds) VALUES (?, ?, ?, ?, ?)", run)
    same = "task = ? AND model = ? AND size = ? AND device = ?"
    oldest = f"SELECT number FROM runs WHERE {same} ORDER BY number DESC LIMIT 1 OFFSET {MAX_RUNS}"  # noqa: S608  # constants
    db.execute(f"DELETE FROM runs WHERE {same} AND number <= ({oldest})", (*run[:4], *run[:4]))  # noqa: S608


def list_all(db: sqlite3.Connection) -> list[Run]:
    """Return all stored runs, oldest first."""
    rows = db.execute("SELECT task, model, size, device, seconds FROM runs ORDER BY number")
    return [tuple(row) for row in rows]


def device_usage(db: sqlite3.Connection, since: float) -> list[tuple[str, float, float]]:
    """Return user, device-seconds and end of each job that ended since the Unix time `since`, in order of its end.

    Jobs that waited for more than a day are left out, so that an index serves the query.
    """
    rows = db.execute(
        "SELECT user, seconds, ended FROM jobs WHERE created >= ? AND ended >= ? AND seconds > 0 ORDER BY ended",
        (since - DAY_SECONDS, since),
    )
    return [tuple(row) for row in rows]
