"""What people agreed to: whose consent, for which command, to which words, with which files, and when."""

import json
import sqlite3
from dataclasses import dataclass

from engine.core.job import Job
from storage.jobs import files_in


@dataclass(frozen=True)
class Consent:
    """`statement` is the SHA-256 of the words, `files` those of the files of the first job, `given` Unix seconds."""

    user: str
    command: str
    statement: str
    files: tuple[str, ...]
    given: float


def give(db: sqlite3.Connection, job: Job, statement: str, now: float) -> None:
    """The job's person agrees; the first time is kept."""
    files = json.dumps(sorted(sha256 for sha256, _ in files_in(job.params)))
    row = (job.user, job.command, statement, files, now)
    db.execute("INSERT OR IGNORE INTO consents (user, command, statement, files, given) VALUES (?, ?, ?, ?, ?)", row)


def find(db: sqlite3.Connection, user: str, command: str, statement: str) -> Consent | None:
    query = "SELECT files, given FROM consents WHERE user = ? AND command = ? AND statement = ?"
    row = db.execute(query, (user, command, statement)).fetchone()
    return Consent(user, command, statement, tuple(json.loads(row["files"])), row["given"]) if row else None
