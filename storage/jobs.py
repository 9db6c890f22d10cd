"""The row is the job: its states, the moves between them, and rows as values."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from engine.core.errors import BadInput
from engine.core.job import Done, Failed, Job, Media, Result

State = Literal["queued", "running", "delivering", "done", "failed", "cancelled"]
UNFINISHED = "state IN ('queued', 'running', 'delivering')"

_BEFORE: dict[State, tuple[State, ...]] = {
    "queued": ("running",),
    "running": ("queued",),
    "delivering": ("queued", "running"),
    "done": ("delivering",),
    "failed": ("queued", "running", "delivering"),
    "cancelled": ("queued", "running", "delivering"),
}

_PACKED = ("params", "notes")
"""Columns of a job that are JSON."""
_PLAIN = ("state", "worker", "attempt", "stage", "created", "started", "ended", "seconds")


class DuplicateRequest(Exception):
    """The same message of the platform has made a job already: the platform told of it twice."""


class IllegalTransition(Exception):
    """A fault of the caller: the job is not in a state that the move may start from, or there is no such job."""


@dataclass(frozen=True)
class JobRecord:
    """A job and how it stands. `started`, `ended` are Unix seconds, `seconds` what it used of a device.

    A `delivering` one has ended, and the person has yet to see its `result`, or how it `failed`.
    """

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

    @property
    def outcome(self) -> Done | Failed | None:
        """The last update of a job that ended, as its person is told; None while it goes on."""
        if self.result is not None:
            return self.job.finish_with(self.result, cached=self.cached)
        return self.failed.model_copy(update={"job": self.job.id}) if self.failed else None


def check_new(db: sqlite3.Connection, job: Job) -> None:
    """Raise TakenBefore for a job of a message that made one already, BadInput for one that is here already."""
    if db.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)).fetchone():
        raise BadInput("This has already been answered: see job {job}.", job=job.id)
    if job.request and has_job_for(db, job.request):
        raise DuplicateRequest(job.request)


def has_job_for(db: sqlite3.Connection, request: str) -> bool:
    """Whether the platform's message has made a job."""
    return db.execute("SELECT 1 FROM jobs WHERE request = ?", (request,)).fetchone() is not None


def insert(db: sqlite3.Connection, job: Job, state: State, **columns: str | float | None) -> None:
    """Write a new row, and hold the files that its parameters name until the job ends."""
    plain = job.model_dump(mode="json")
    row = plain | {name: json.dumps(plain[name]) for name in _PACKED} | {"state": state} | columns
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    db.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", row)  # noqa: S608  # names of our own columns
    if state == "queued":
        add_files(db, job.id, files_in(job.params))


def transition(db: sqlite3.Connection, job_id: str, state: State, **columns: str | float | None) -> sqlite3.Row:
    """Change the state, and `columns` with it; the whole row as it is now. Raises IllegalMove and changes nothing."""
    sets = ", ".join(f"{name} = :{name}" for name in ["state", *columns])
    before = ", ".join(f"'{each}'" for each in _states_before(state, made="result" in columns))
    moved: sqlite3.Row | None = db.execute(
        f"UPDATE jobs SET {sets} WHERE id = :id AND state IN ({before}) RETURNING *",  # noqa: S608  # our own names
        {"id": job_id, "state": state, **columns},
    ).fetchone()
    if moved is None:
        raise IllegalTransition(_why(db, job_id, state))
    return moved


def _states_before(state: State, *, made: bool = False) -> tuple[State, ...]:
    """Where a move may start from: only what ran has made something."""
    return ("running",) if made else _BEFORE[state]


def start(db: sqlite3.Connection, job_id: str, worker: str, now: float) -> None:
    """To running, one more attempt."""
    transition(db, job_id, "running", worker=worker, started=now)
    db.execute("UPDATE jobs SET attempt = attempt + 1 WHERE id = ?", (job_id,))


def requeue(db: sqlite3.Connection, job_id: str, forgiven: int) -> int:
    """Running to queued, `forgiven` attempts taken back; how many it has had."""
    row = transition(db, job_id, "queued", worker=None, started=None)
    db.execute("UPDATE jobs SET attempt = attempt - ? WHERE id = ?", (forgiven, job_id))
    return int(row["attempt"]) - forgiven


def deliver(db: sqlite3.Connection, job_id: str, **columns: str | float | None) -> sqlite3.Row:
    """To delivering, with a `result` or how it `failed`. From here on it holds what it made, not what it read."""
    moved = transition(db, job_id, "delivering", **columns)
    db.execute("DELETE FROM job_files WHERE job = ?", (job_id,))
    add_files(db, job_id, files_in(json.loads(moved["result"] or "null")))
    return moved


def end(db: sqlite3.Connection, job_id: str, state: State, **columns: str | float | None) -> None:
    """A last move: the job holds no files any more."""
    transition(db, job_id, state, **columns)
    db.execute("DELETE FROM job_files WHERE job = ?", (job_id,))


def mark_delivered(db: sqlite3.Connection, job_id: str) -> None:
    """Delivering to what the job came to. A second telling of it is no move and no fault."""
    row = db.execute("SELECT state, failed FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None or row["state"] not in {"done", "failed", "cancelled"}:
        end(db, job_id, ended_as(Failed.model_validate_json(row["failed"])) if row and row["failed"] else "done")


def ended_as(failed: Failed) -> State:
    return "cancelled" if failed.kind == "Cancelled" else "failed"


def address(db: sqlite3.Connection, job_id: str, origin: str) -> None:
    """Where the answer stands from now on."""
    db.execute("UPDATE jobs SET origin = ? WHERE id = ?", (origin, job_id))


def withdraw(db: sqlite3.Connection, job_id: str) -> bool:
    """Undo an admission that nobody waits for: no row, no tokens taken. False where there is none."""
    which = "id = ? AND (state = 'queued' OR (state = 'delivering' AND cached))"
    gone = db.execute(f"DELETE FROM jobs WHERE {which} RETURNING cached", (job_id,)).fetchone()  # noqa: S608  # a constant
    if gone is None:
        return False
    db.execute("DELETE FROM uses WHERE job = ?", (job_id,))
    counted = "hits = hits - 1" if gone["cached"] else "misses = misses - 1"
    db.execute(f"UPDATE cache_totals SET {counted}")  # noqa: S608  # constants
    return True


def find(db: sqlite3.Connection, job_id: str) -> JobRecord | None:
    row = db.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return row_of(row) if row else None


def unfinished_jobs(db: sqlite3.Connection) -> list[JobRecord]:
    """Oldest first."""
    query = f"SELECT * FROM jobs WHERE {UNFINISHED} ORDER BY number"  # noqa: S608  # a constant
    return [row_of(row) for row in db.execute(query)]


def waiting_of(db: sqlite3.Connection, user: str) -> list[JobRecord]:
    """The user's queued and running jobs, oldest first."""
    query = f"SELECT * FROM jobs WHERE {UNFINISHED} AND state <> 'delivering' AND user = ? ORDER BY number"  # noqa: S608
    return [row_of(row) for row in db.execute(query, (user,))]


def add_files(db: sqlite3.Connection, job_id: str, files: Iterator[tuple[str, str]]) -> None:
    rows = [(job_id, sha256, path) for sha256, path in files]
    db.executemany("INSERT INTO job_files (job, sha256, path) VALUES (?, ?, ?)", rows)


def files_in(value: Any) -> Iterator[tuple[str, str]]:
    """Hash and path of every dumped Media within JSON data."""
    if isinstance(value, dict) and value.keys() >= Media.model_fields.keys():
        yield value["sha256"], value["path"]
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from files_in(item)


def row_of(row: sqlite3.Row) -> JobRecord:
    columns = dict(row)
    unpacked = {name: json.loads(columns[name]) for name in _PACKED}
    job = {name: columns[name] for name in Job.model_fields} | unpacked | {"private": bool(columns["private"])}
    return JobRecord(
        job=Job.model_validate(job),
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
