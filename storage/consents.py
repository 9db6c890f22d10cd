"""Consents: who agreed to which text for which command, with which files, and when."""

import json
import sqlite3
from dataclasses import dataclass

from engine.core.job import Job
from storage.jobs import files_in


@dataclass(frozen=True)
class Consent:
    """A user's consent to a text that a command showed them."""

    user: str
    command: str
    #: SHA-256 of the text.
    statement: str
    #: SHA-256 of each file of the job that the consent was given with.
    files: tuple[str, ...]
    #: Unix time.
    given: float


def record(db: sqlite3.Connection, job: Job, statement: str, now: float) -> None:
    """Store that the user of `job` agreed to `statement`. An earlier consent to the same text is kept unchanged."""
    files = json.dumps(sorted(sha256 for sha256, _ in files_in(job.params)))
    row = (job.user, job.command, statement, files, now)
    db.execute("INSERT OR IGNORE INTO consents (user, command, statement, files, given) VALUES (?, ?, ?, ?, ?)", row)


def find(db: sqlite3.Connection, user: str, command: str, statement: str) -> Consent | None:
    """Return the user's consent to `statement` for `command`, or None if there is none."""
    query = "SELECT files, given FROM consents WHERE user = ? AND command = ? AND statement = ?"
    row = db.execute(query, (user, command, statement)).fetchone()
    return Consent(user, command, statement, tuple(json.loads(row["files"])), row["given"]) if row else None
