"""Questions before jobs are made: the jobs are kept whole, so that the answer may come after a restart."""

import sqlite3
from dataclasses import dataclass

from engine.core.errors import BadInput
from engine.core.job import Job
from storage.jobs import files_in


@dataclass(frozen=True)
class Question:
    """Whether `jobs`, of one person and command, are to be made; open until the Unix time `until`."""

    jobs: tuple[Job, ...]
    until: float

    @property
    def name(self) -> str:
        return self.jobs[0].id


def insert(db: sqlite3.Connection, question: Question) -> None:
    for job in question.jobs:
        row = (job.id, question.name, job.model_dump_json(), question.until)
        db.execute("INSERT INTO asks (job, question, body, until) VALUES (?, ?, ?, ?)", row)
        files = [(job.id, sha256, path) for sha256, path in files_in(job.params)]
        db.executemany("INSERT INTO ask_files (job, sha256, path) VALUES (?, ?, ?)", files)


def find(db: sqlite3.Connection, name: str, now: float) -> Question | None:
    query = "SELECT body, until FROM asks WHERE question = ? AND until > ? ORDER BY rowid"
    rows = db.execute(query, (name, now)).fetchall()
    return Question(tuple(Job.model_validate_json(row["body"]) for row in rows), rows[0]["until"]) if rows else None


def drop(db: sqlite3.Connection, name: str) -> bool:
    """Whether it was there."""
    return db.execute("DELETE FROM asks WHERE question = ?", (name,)).rowcount > 0


def answer(db: sqlite3.Connection, question: Question) -> None:
    """Close it. Raises BadInput where that was done already."""
    if not drop(db, question.name):
        raise BadInput("This question is closed. Run the command again.")


def mark_shown(db: sqlite3.Connection, request: str, until: float) -> None:
    """Know until then that the message `request` of a platform was answered with a question."""
    query = "INSERT INTO asked VALUES (?, ?) ON CONFLICT DO UPDATE SET until = excluded.until"
    db.execute(query, (request, until))


def is_answered_by_question(db: sqlite3.Connection, request: str, now: float) -> bool:
    return db.execute("SELECT 1 FROM asked WHERE request = ? AND until > ?", (request, now)).fetchone() is not None


def tidy(db: sqlite3.Connection, now: float) -> int:
    db.execute("DELETE FROM asked WHERE until <= ?", (now,))
    return db.execute("DELETE FROM asks WHERE until <= ?", (now,)).rowcount
