"""Tokens that platforms give with a request. A trigger deletes each of them when its job ends."""

import sqlite3


def insert(db: sqlite3.Connection, job_id: str, token: str) -> None:
    """Store the token of a job."""
    db.execute("INSERT INTO reply_tokens (job, token) VALUES (?, ?)", (job_id, token))


def find(db: sqlite3.Connection, job_id: str) -> str | None:
    """Return the token of a job that has not ended, or None if it has none."""
    row = db.execute("SELECT token FROM reply_tokens WHERE job = ?", (job_id,)).fetchone()
    return str(row["token"]) if row else None


def delete(db: sqlite3.Connection, job_id: str) -> None:
    """Delete the token of a job."""
    db.execute("DELETE FROM reply_tokens WHERE job = ?", (job_id,))
