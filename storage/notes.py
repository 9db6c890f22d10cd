"""Small named values, such as the secret that signs links or the state of the queue."""

import sqlite3


def get(db: sqlite3.Connection, name: str) -> str | None:
    """Return the value stored under `name`, or None if there is none."""
    row = db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
    return row["value"] if row else None


def put(db: sqlite3.Connection, name: str, value: str) -> None:
    """Store `value` under `name` and replace an earlier value."""
    query = "INSERT INTO notes VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
    db.execute(query, (name, value))


def get_or_put(db: sqlite3.Connection, name: str, value: str) -> str:
    """Return the value stored under `name`; if there is none, store `value` and return it."""
    query = "INSERT INTO notes VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value RETURNING value"
    return str(db.execute(query, (name, value)).fetchone()["value"])
