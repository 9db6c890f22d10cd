"""Job rows: the states of a job, the transitions between them, and conversion of rows to values."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from engine.core.errors import BadInput
from engine.core.job import Done, Failed, Job, Media, Result
from storage import reply_tokens

State = Literal["queued", "running", "delivering", "done", "failed", "cancelled"]
UNFINISHED = "state IN ('queued', 'running', 'delivering')"
HAS_RESULT = "state IN ('delivering', 'done') AND result IS NOT NULL AND key <> ''"
"""The condition of a job that made something, whether its user has seen it or not. Deleted results have no key."""

_ALLOWED_FROM: dict[State, tuple[State, ...]] = {
    "queued": ("running",),
    "running": ("queued",),
    "delivering": ("queued", "running"),
    "done": ("delivering",),
    "failed": ("queued", "running", "delivering"),
    "cancelled": ("queued", "running", "delivering"),
}
"""The states from which a job may move to each state."""

_JSON_COLUMNS = ("params", "notes")
_PLAIN_COLUMNS = ("state", "worker", "attempt", "stage", "created", "started", "ended", "seconds")


class DuplicateRequest(Exception):
    """The platform delivered the same message twice, and it has already produced a job."""


class IllegalTransition(Exception):
    """The caller asked for a move that is not allowed from the job's state, or the job does not exist."""


@dataclass(frozen=True)
class JobRecord:
    """A job with the state of its row."""

    job: Job
    #: A `delivering` job has ended, but its user has not seen its `result`, or how it `failed`, yet.
    state: State
    #: The worker that ran the job last.
    worker: str | None
    #: How many times a worker has started the job.
    attempt: int
    #: The last stage that the job reached.
    stage: str | None
    #: Unix times.
    created: float
    started: float | None
    ended: float | None
    #: Device-seconds that the job used.
    seconds: float
    #: Whether the result came from the cache.
    cached: bool
    result: Result | None
    failed: Failed | None

    @property
    def outcome(self) -> Done | Failed | None:
        """The last update of a job that has ended, as its user sees it; None for a job that has not."""
        if self.result is not None:
            return self.job.finish_with(self.result, cached=self.cached)
        return self.failed.model_copy(update={"job": self.job.id}) if self.failed else None


def check_new(db: sqlite3.Connection, job: Job) -> None:
    """Raise BadInput if the job exists already, and DuplicateRequest if its message has already produced a job."""
    if db.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)).fetchone():
        raise BadInput("This was answered already: see job {job}.", job=job.id)
    if job.request and has_job_for(db, job.request):
        raise DuplicateRequest(job.request)


def has_job_for(db: sqlite3.Connection, request: str) -> bool:
    """Return whether the platform's message `request` has produced a job."""
    return db.execute("SELECT 1 FROM jobs WHERE request = ?", (request,)).fetchone() is not None


def insert(db: sqlite3.Connection, job: Job, state: State, **columns: str | float | None) -> None:
    """Insert a row for the job. The files that its parameters refer to are kept until the job ends."""
    plain = job.model_dump(mode="json")
    row = plain | {name: json.dumps(plain[name]) for name in _JSON_COLUMNS} | {"state": state} | columns
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    db.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", row)  # noqa: S608  # names of our own columns
    if job.reply_token:
        reply_tokens.insert(db, job.id, job.reply_token)
    if state == "queued":
        add_files(db, job.id, files_in(job.params))


def transition(db: sqlite3.Connection, job_id: str, state: State, **columns: str | float | None) -> sqlite3.Row:
    """Move the job to `state`, set `columns`, and return the whole row as it is then.

    Raises IllegalTransition, and changes nothing, if the move is not allowed.
    """
    sets = ", ".join(f"{name} = :{name}" for name in ["state", *columns])
    before = ", ".join(f"'{name}'" for name in _states_before(state, has_result="result" in columns))
    moved: sqlite3.Row | None = db.execute(
        f"UPDATE jobs SET {sets} WHERE id = :id AND state IN ({before}) RETURNING *",  # noqa: S608  # our own names
        {"id": job_id, "state": state, **columns},
    ).fetchone()
    if moved is None:
        raise IllegalTransition(_describe_refusal(db, job_id, state))
    return moved


def _states_before(state: State, *, has_result: bool = False) -> tuple[State, ...]:
    """Return the states from which a job may move to `state`. Only a running job can have a result."""
    return ("running",) if has_result else _ALLOWED_FROM[state]


def start(db: sqlite3.Connection, job_id: str, worker: str, now: float) -> None:
    """Move the job to `running` and count one more attempt."""
    transition(db, job_id, "running", worker=worker, started=now)
    db.execute("UPDATE jobs SET attempt = attempt + 1 WHERE id = ?", (job_id,))


def requeue(db: sqlite3.Connection, job_id: str, forgiven: int) -> int:
    """Move a running job to `queued`, take `forgiven` attempts back, and return how many it has had."""
    row = transition(db, job_id, "queued", worker=None, started=None)
    db.execute("UPDATE jobs SET attempt = attempt - ? WHERE id = ?", (forgiven, job_id))
    return int(row["attempt"]) - forgiven


def deliver(db: sqlite3.Connection, job_id: str, **columns: str | float | None) -> sqlite3.Row:
    """Move the job to `delivering` with a `result` or an error in `failed`, and return its row.

    From then on the files that it made are kept, and no longer the files that it read.
    """
    moved = transition(db, job_id, "delivering", **columns)
    _clear_needs(db, job_id)
    add_files(db, job_id, files_in(json.loads(moved["result"] or "null")))
    return moved


def end(db: sqlite3.Connection, job_id: str, state: State, **columns: str | float | None) -> None:
    """Move the job to a final state. Its files are no longer kept on its behalf."""
    transition(db, job_id, state, **columns)
    _clear_needs(db, job_id)


def _clear_needs(db: sqlite3.Connection, job_id: str) -> None:
    """Keep the job's files no longer on its behalf, and let it wait for no rate limit."""
    db.execute("DELETE FROM job_files WHERE job = ?", (job_id,))
    db.execute("DELETE FROM limit_waits WHERE job = ?", (job_id,))


def mark_delivered(db: sqlite3.Connection, job_id: str) -> None:
    """Move a delivering job to its final state. Does nothing if it is there already."""
    row = db.execute("SELECT state, failed FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None or row["state"] not in {"done", "failed", "cancelled"}:
        end(db, job_id, final_state(Failed.model_validate_json(row["failed"])) if row and row["failed"] else "done")


def final_state(failed: Failed) -> State:
    """Return `cancelled` for a job that was cancelled, and `failed` for any other error."""
    return "cancelled" if failed.kind == "Cancelled" else "failed"


def set_stage(db: sqlite3.Connection, job_id: str, stage: str) -> None:
    """Store the stage that a running job has reached."""
    db.execute("UPDATE jobs SET stage = ? WHERE id = ? AND state = 'running'", (stage, job_id))


def set_origin(db: sqlite3.Connection, job_id: str, origin: str) -> None:
    """Store which message shows the job's answer."""
    db.execute("UPDATE jobs SET origin = ? WHERE id = ?", (origin, job_id))


def withdraw(db: sqlite3.Connection, job_id: str) -> bool:
    """Undo the admission of a job: delete its row and give its tokens back. Returns False if there is no such row."""
    condition = "id = ? AND (state = 'queued' OR (state = 'delivering' AND cached))"
    row = db.execute(f"DELETE FROM jobs WHERE {condition} RETURNING cached", (job_id,)).fetchone()  # noqa: S608  # a constant
    if row is None:
        return False
    db.execute("DELETE FROM uses WHERE job = ?", (job_id,))
    counted = "hits = hits - 1" if row["cached"] else "misses = misses - 1"
    db.execute(f"UPDATE cache_totals SET {counted}")  # noqa: S608  # constants
    return True


def find(db: sqlite3.Connection, job_id: str) -> JobRecord | None:
    """Return the job with this id, or None if there is none."""
    row = db.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return record_of(row) if row else None


def unfinished_jobs(db: sqlite3.Connection) -> list[JobRecord]:
    """Return the queued, running and delivering jobs, oldest first."""
    query = f"SELECT * FROM jobs WHERE {UNFINISHED} ORDER BY number"  # noqa: S608  # a constant
    return [record_of(row) for row in db.execute(query)]


def waiting_of(db: sqlite3.Connection, user: str) -> list[JobRecord]:
    """Return the user's queued and running jobs, oldest first."""
    query = f"SELECT * FROM jobs WHERE {UNFINISHED} AND state <> 'delivering' AND user = ? ORDER BY number"  # noqa: S608
    return [record_of(row) for row in db.execute(query, (user,))]


def finished_of(db: sqlite3.Connection, user: str, after: float, count: int) -> list[JobRecord]:
    """Return the user's last jobs created `after` that have a result, newest first. Deleted results are left out."""
    query = f"SELECT * FROM jobs WHERE created > ? AND {HAS_RESULT} AND user = ? ORDER BY number DESC"  # noqa: S608
    return [record_of(row) for row in db.execute(f"{query} LIMIT ?", (after, user, count))]


def add_files(db: sqlite3.Connection, job_id: str, files: Iterator[tuple[str, str]]) -> None:
    """Keep `files`, each a SHA-256 and a path, until the job ends."""
    rows = [(job_id, sha256, path) for sha256, path in files]
    db.executemany("INSERT INTO job_files (job, sha256, path) VALUES (?, ?, ?)", rows)


def files_in(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the SHA-256 and the path of each dumped Media within JSON data."""
    if isinstance(value, dict) and value.keys() >= Media.model_fields.keys():
        yield value["sha256"], value["path"]
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from files_in(item)


def record_of(row: sqlite3.Row) -> JobRecord:
    """Convert a whole row of the table `jobs`."""
    columns = dict(row)
    parsed = {name: json.loads(columns[name]) for name in _JSON_COLUMNS}
    job = {name: columns[name] for name in Job.model_fields if name in columns}
    job |= parsed | {"private": bool(columns["private"])}
    return JobRecord(
        job=Job.model_validate(job),
        result=Result.model_validate_json(columns["result"]) if columns["result"] else None,
        failed=Failed.model_validate_json(columns["failed"]) if columns["failed"] else None,
        cached=bool(columns["cached"]),
        **{name: columns[name] for name in _PLAIN_COLUMNS},
    )


def _describe_refusal(db: sqlite3.Connection, job_id: str, state: State) -> str:
    row = db.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        return f"There is no job {job_id}."
    return f"Job {job_id} is {row['state']}; it becomes {state} only from {' or '.join(_ALLOWED_FROM[state])}."
