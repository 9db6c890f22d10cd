"""The result cache: the result of a key with its files, at most so many bytes, least recently used deleted first.

The key of an entry is the `shared_key` of the job that made it.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.core.job import Job, Result, shared_key

File = tuple[str, str]
"""The SHA-256 and the path of a file."""
REFERENCING_TABLES = ("cache_files", "job_files", "ask_files")
"""The tables whose rows refer to files that must not be deleted."""


@dataclass(frozen=True)
class CacheStats:
    """The size of the cache, and its hits and misses of all time."""

    entries: int
    #: Bytes of all files and texts.
    bytes: int
    hits: int
    misses: int
    #: The Unix time at which the oldest entry was made; None if the cache is empty.
    oldest: float | None


@dataclass(frozen=True)
class DroppedEntries:
    """What was deleted from the cache: the number of entries and of bytes, and the files that they referred to."""

    entries: int
    bytes: int
    files: frozenset[File]


def lookup(db: sqlite3.Connection, key: str) -> Result | None:
    """Return the result of `key`, or None if the cache does not have it."""
    row = db.execute("SELECT result FROM cache WHERE key = ?", (key,)).fetchone()
    return Result.model_validate_json(row["result"]) if row else None


def find(db: sqlite3.Connection, job: Job) -> tuple[str, Result] | None:
    """Return the key and the result of the entry that may answer the job, or None if there is none.

    A result that was made in private answers only its own user.
    """
    own, public = (shared_key(job.key, job.user, private=private) for private in (True, False))
    entries = ((key, lookup(db, key)) for key in (own, public))
    return next(((key, result) for key, result in entries if result is not None), None)


def count_hit(db: sqlite3.Connection, key: str, now: float) -> None:
    """Count a hit of `key`, which makes it the most recently used entry."""
    db.execute("UPDATE cache SET hits = hits + 1, last_used = ? WHERE key = ?", (now, key))
    db.execute("UPDATE cache_totals SET hits = hits + 1")


def count_miss(db: sqlite3.Connection) -> None:
    """Count a request that the cache could not answer."""
    db.execute("UPDATE cache_totals SET misses = misses + 1")


def put(db: sqlite3.Connection, key: str, result: Result, bound: int, now: float) -> list[Path]:
    """Insert `result` and delete the least recently used entries until the cache holds at most `bound` bytes.

    Returns the paths of the files that nothing refers to any more. A result of more than `bound` bytes is not
    inserted, because it would empty the cache.
    """
    size = sum(media.bytes for media in result.media) + len(result.text.encode())
    dropped = drop(db, key)
    if size <= bound:
        _insert(db, key, result, size, now)
    return unreferenced_paths(db, dropped.files | _evict(db, bound))


def drop(db: sqlite3.Connection, key: str) -> DroppedEntries:
    """Delete the entry of `key`, if there is one."""
    return _drop(db, "key = ?", key)


def clear(db: sqlite3.Connection, before: float | None) -> DroppedEntries:
    """Delete the entries made before the Unix time `before`, or all entries if it is None."""
    return _drop(db, "true") if before is None else _drop(db, "created < ?", before)


def unreferenced_paths(db: sqlite3.Connection, files: Iterable[File]) -> list[Path]:
    """Return the paths of those `files` that no cache entry, unfinished job or open question refers to."""
    return [Path(path) for sha256, path in files if not is_referenced(db, sha256)]


def referenced_hashes(db: sqlite3.Connection) -> set[str]:
    """Return the SHA-256 of each file that a cache entry, an unfinished job or an open question refers to."""
    query = " UNION ".join(f"SELECT sha256 FROM {table}" for table in REFERENCING_TABLES)  # noqa: S608  # constants
    return {row["sha256"] for row in db.execute(query)}


def is_referenced(db: sqlite3.Connection, sha256: str) -> bool:
    """Return whether a cache entry, an unfinished job or an open question refers to the file."""
    queries = (f"SELECT 1 FROM {table} WHERE sha256 = ?" for table in REFERENCING_TABLES)  # noqa: S608  # constants
    return any(db.execute(query, (sha256,)).fetchone() for query in queries)


def stats(db: sqlite3.Connection) -> CacheStats:
    """Return the size of the cache and its hits and misses."""
    row = db.execute("SELECT *, (SELECT min(created) FROM cache) AS oldest FROM cache_totals").fetchone()
    return CacheStats(**dict(row))


def _insert(db: sqlite3.Connection, key: str, result: Result, size: int, now: float) -> None:
    db.execute(
        "INSERT INTO cache (key, result, bytes, created, last_used) VALUES (?, ?, ?, ?, ?)",
        (key, result.model_dump_json(), size, now, now),
    )
    files = [(key, media.sha256, str(media.path)) for media in result.media]
    db.executemany("INSERT INTO cache_files (key, sha256, path) VALUES (?, ?, ?)", files)


def _evict(db: sqlite3.Connection, bound: int) -> frozenset[File]:
    """Delete the least recently used entries until the cache holds at most `bound` bytes, and return their files."""
    files: frozenset[File] = frozenset()
    while db.execute("SELECT bytes FROM cache_totals").fetchone()["bytes"] > bound:
        oldest = db.execute("SELECT key FROM cache ORDER BY last_used, rowid LIMIT 1").fetchone()
        files |= drop(db, oldest["key"]).files
    return files


def _drop(db: sqlite3.Connection, condition: str, *values: str | float) -> DroppedEntries:
    keys = f"SELECT key FROM cache WHERE {condition}"  # noqa: S608  # our own conditions
    sums = f"SELECT count(*), coalesce(sum(bytes), 0) FROM cache WHERE {condition}"  # noqa: S608
    entries, size = db.execute(sums, values).fetchone()
    files = db.execute(f"SELECT sha256, path FROM cache_files WHERE key IN ({keys})", values).fetchall()  # noqa: S608
    db.execute(f"DELETE FROM cache WHERE {condition}", values)  # noqa: S608
    return DroppedEntries(entries, size, frozenset((row["sha256"], row["path"]) for row in files))
