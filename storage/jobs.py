"""The row is the job: its states, the moves between them, and rows as values."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from engine.job import Failed, Job, Media, Result

State = Literal["queued", "running", "delivering", "done", "failed", "cancelled"]
UNFINISHED = "state IN ('queued', 'running', 'delivering')"

_BEFORE: dict[State, tuple[State, ...]] = {
    "queued": ("running",),
    "running": ("queued",),
    "delivering": ("running",),
    "done": ("running", "delivering"),
    "failed": ("queued", "running", "delivering"),
    "cancelled": ("queued", "running", "delivering"),
}

_PLAIN = ("state", "worker", "attempt", "stage", "created", "started", "ended", "seconds")


class IllegalMove(Exception):
    """A fault of the caller: the job is not in a state that the move may start from, or there is no such job."""


@dataclass(frozen=True)
class Row:
    """A job and how it stands. `started`, `ended` are Unix seconds, `seconds` what it used of a device."""

    job: Job
    state: State
    worker: str | None
    attempt: int
    stage: str | None
    created: float
    started: float | None
    ended: float | None
    seconds: float
    cached: bool
    result: Result | None
    failed: Failed | None


def insert(db: sqlite3.Connection, job: Job, state: State, **columns: str | float | None) -> None:
    """Write a new row, and hold the files that its parameters name until the job ends."""
    row = job.model_dump(exclude={"params"}) | {"params": json.dumps(job.params), "state": state} | columns
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    db.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", row)  # noqa: S608  # names of our own columns
    if state == "queued":
        hold(db, job.id, files_in(job.params))


def move(db: sqlite3.Connection, job_id: str, state: State, **columns: str | float | None) -> sqlite3.Row:
    """Change the state, and `columns` with it; the whole row as it is now. Raises IllegalMove and changes nothing."""
    sets = ", ".join(f"{name} = :{name}" for name in ["state", *columns])
    before = ", ".join(f"'{each}'" for each in _BEFORE[state])
    moved: sqlite3.Row | None = db.execute(
        f"UPDATE jobs SET {sets} WHERE id = :id AND state IN ({before}) RETURNING *",  # noqa: S608  # our own names
        {"id": job_id, "state": state, **columns},
    ).fetchone()
    if moved is None:
        raise IllegalMove(_why(db, job_id, state))
    return moved


def start(db: sqlite3.Connection, job_id: str, worker: str, now: float) -> None:
    """To running, one more attempt."""
    move(db, job_id, "running", worker=worker, started=now)
    db.execute("UPDATE jobs SET attempt = attempt + 1 WHERE id = ?", (job_id,))


def end(db: sqlite3.Connection, job_id: str, state: State, **columns: str | float | None) -> sqlite3.Row:
    """A last move: the job holds no files any more."""
    moved = move(db, job_id, state, **columns)
    db.execute("DELETE FROM job_files WHERE job = ?", (job_id,))
    return moved


def withdraw(db: sqlite3.Connection, job_id: str) -> None:
    """Undo an admission that nobody waits for: no row, no tokens taken."""
    gone = db.execute("DELETE FROM jobs WHERE id = ? AND state = 'queued'", (job_id,)).rowcount
    if gone:
        db.execute("DELETE FROM uses WHERE job = ?", (job_id,))
        db.execute("UPDATE cache_totals SET misses = misses - 1")


def find(db: sqlite3.Connection, job_id: str) -> Row | None:
    row = db.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return row_of(row) if row else None


def unfinished(db: sqlite3.Connection) -> list[Row]:
    """Oldest first."""
    query = f"SELECT * FROM jobs WHERE {UNFINISHED} ORDER BY number"  # noqa: S608  # a constant
    return [row_of(row) for row in db.execute(query)]


def waiting_of(db: sqlite3.Connection, user: str) -> list[Row]:
    """The user's queued and running jobs, oldest first."""
    query = f"SELECT * FROM jobs WHERE {UNFINISHED} AND state <> 'delivering' AND user = ? ORDER BY number"  # noqa: S608
    return [row_of(row) for row in db.execute(query, (user,))]


def hold(db: sqlite3.Connection, job_id: str, files: Iterator[tuple[str, str]]) -> None:
    rows = [(job_id, sha256, path) for sha256, path in files]
    db.executemany("INSERT INTO job_files (job, sha256, path) VALUES (?, ?, ?)", rows)


def files_in(value: Any) -> Iterator[tuple[str, str]]:
    """Hash and path of every dumped Media within JSON data."""
    if isinstance(value, dict) and value.keys() >= Media.model_fields.keys():
        yield value["sha256"], value["path"]
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from files_in(item)


def row_of(row: sqlite3.Row) -> Row:
    columns = dict(row)
    job = {name: columns[name] for name in Job.model_fields}
    return Row(
        job=Job(**job | {"params": json.loads(columns["params"]), "private": bool(columns["private"])}),
        result=Result.model_validate_json(columns["result"]) if columns["result"] else None,
        failed=Failed.model_validate_json(columns["failed"]) if columns["failed"] else None,
        cached=bool(columns["cached"]),
        **{name: columns[name] for name in _PLAIN},
    )


def _why(db: sqlite3.Connection, job_id: str, state: State) -> str:
    row = db.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        return f"There is no job {job_id}."
    return f"Job {job_id} is {row['state']}; it becomes {state} only from {' or '.join(_BEFORE[state])}."
