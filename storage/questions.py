"""Questions that a user answers before their jobs are created. The jobs are stored, so that a restart loses nothing."""

import sqlite3
from dataclasses import dataclass

from engine.core.errors import BadInput
from engine.core.job import Job
from storage.jobs import files_in


@dataclass(frozen=True)
class Question:
    """Whether to create `jobs`, which belong to one user and one command."""

    jobs: tuple[Job, ...]
    #: The Unix time at which the question expires.
    until: float

    @property
    def name(self) -> str:
        """The question's name in its buttons: the id of its first job."""
        return self.jobs[0].id


def insert(db: sqlite3.Connection, question: Question) -> None:
    """Store the question with its jobs and the files that they read."""
    for job in question.jobs:
        row = (job.id, question.name, job.model_dump_json(), question.until)
        db.execute("INSERT INTO asks (job, question, body, until) VALUES (?, ?, ?, ?)", row)
        files = [(job.id, sha256, path) for sha256, path in files_in(job.params)]
        db.executemany("INSERT INTO ask_files (job, sha256, path) VALUES (?, ?, ?)", files)


def find(db: sqlite3.Connection, name: str, now: float) -> Question | None:
    """Return the question of this name, or None if it is closed or has expired."""
    query = "SELECT body, until FROM asks WHERE question = ? AND until > ? ORDER BY rowid"
    rows = db.execute(query, (name, now)).fetchall()
    return Question(tuple(Job.model_validate_json(row["body"]) for row in rows), rows[0]["until"]) if rows else None


def delete(db: sqlite3.Connection, name: str) -> bool:
    """Delete the question of this name. Returns whether it existed."""
    return db.execute("DELETE FROM asks WHERE question = ?", (name,)).rowcount > 0


def close(db: sqlite3.Connection, question: Question) -> None:
    """Delete a question because it was answered. Raises BadInput if it does not exist any more."""
    if not delete(db, question.name):
        raise BadInput("This question has expired or was already answered. Send your request again.")


def mark_shown(db: sqlite3.Connection, request: str, until: float) -> None:
    """Remember until the Unix time `until` that the platform's message `request` was answered with a question."""
    query = "INSERT INTO asked VALUES (?, ?) ON CONFLICT DO UPDATE SET until = excluded.until"
    db.execute(query, (request, until))


def is_answered_by_question(db: sqlite3.Connection, request: str, now: float) -> bool:
    """Return whether the platform's message `request` was answered with a question, as far as is remembered."""
    return db.execute("SELECT 1 FROM asked WHERE request = ? AND until > ?", (request, now)).fetchone() is not None


def delete_expired(db: sqlite3.Connection, now: float) -> int:
    """Delete the expired questions and return their number. Expired marks of `mark_shown` are deleted too."""
    db.execute("DELETE FROM asked WHERE until <= ?", (now,))
    return db.execute("DELETE FROM asks WHERE until <= ?", (now,)).rowcount
