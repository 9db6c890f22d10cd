"""Forms that wait to be submitted. Only the adapter that wrote a form's body reads it."""

import sqlite3


def insert(db: sqlite3.Connection, form: str, body: str, until: float) -> None:
    """Store a form under its id until the Unix time `until`."""
    db.execute("INSERT INTO forms (id, body, until) VALUES (?, ?, ?)", (form, body, until))


def find(db: sqlite3.Connection, form: str, now: float) -> str | None:
    """Return the body of a form, or None if there is none or it has expired."""
    row = db.execute("SELECT body FROM forms WHERE id = ? AND until > ?", (form, now)).fetchone()
    return str(row["body"]) if row else None


def delete_expired(db: sqlite3.Connection, now: float) -> int:
    """Delete expired forms and return how many there were."""
    return db.execute("DELETE FROM forms WHERE until <= ?", (now,)).rowcount
