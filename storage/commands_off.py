"""Commands that are turned off in a server or group by those who manage it."""

import sqlite3


def insert(db: sqlite3.Connection, place: str, command: str) -> None:
    """Turn the command off in a place. Does nothing if it is off."""
    db.execute("INSERT INTO commands_off (place, command) VALUES (?, ?) ON CONFLICT DO NOTHING", (place, command))


def delete(db: sqlite3.Connection, place: str, command: str) -> None:
    """Turn the command on again in a place. Does nothing if it is on."""
    db.execute("DELETE FROM commands_off WHERE place = ? AND command = ?", (place, command))


def find(db: sqlite3.Connection, place: str) -> frozenset[str]:
    """Return the commands that are off in a place."""
    rows = db.execute("SELECT command FROM commands_off WHERE place = ?", (place,))
    return frozenset(str(row["command"]) for row in rows)
