"""Jobs that their person has yet to agree to: kept whole, so that the answer may come after a restart."""

import sqlite3

from engine.job import Job
from storage.jobs import files_in


def insert(db: sqlite3.Connection, job: Job, until: float) -> None:
    db.execute("INSERT INTO asks (job, body, until) VALUES (?, ?, ?)", (job.id, job.model_dump_json(), until))
    files = [(job.id, sha256, path) for sha256, path in files_in(job.params)]
    db.executemany("INSERT INTO ask_files (job, sha256, path) VALUES (?, ?, ?)", files)


def find(db: sqlite3.Connection, job_id: str, now: float) -> Job | None:
    row = db.execute("SELECT body FROM asks WHERE job = ? AND until > ?", (job_id, now)).fetchone()
    return Job.model_validate_json(row["body"]) if row else None


def drop(db: sqlite3.Connection, job_id: str) -> None:
    db.execute("DELETE FROM asks WHERE job = ?", (job_id,))


def tidy(db: sqlite3.Connection, now: float) -> int:
    return db.execute("DELETE FROM asks WHERE until <= ?", (now,)).rowcount
