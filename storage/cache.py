"""The cache: a key's result with its files, bounded in bytes, the least recently used going first."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.core.job import Result

File = tuple[str, str]
"""SHA-256 and path."""
NAMING = ("cache_files", "job_files", "ask_files")
"""The tables that name files which are to stay."""


@dataclass(frozen=True)
class CacheStats:
    """`bytes` of files and text; `hits` and `misses` of all time; `oldest` is the Unix time of the oldest entry."""

    entries: int
    bytes: int
    hits: int
    misses: int
    oldest: float | None


@dataclass(frozen=True)
class Dropped:
    """What left the cache, and the files that it named."""

    entries: int
    bytes: int
    files: frozenset[File]


def lookup(db: sqlite3.Connection, key: str) -> Result | None:
    row = db.execute("SELECT result FROM cache WHERE key = ?", (key,)).fetchone()
    return Result.model_validate_json(row["result"]) if row else None


def hit(db: sqlite3.Connection, key: str, now: float) -> None:
    db.execute("UPDATE cache SET hits = hits + 1, last_used = ? WHERE key = ?", (now, key))
    db.execute("UPDATE cache_totals SET hits = hits + 1")


def miss(db: sqlite3.Connection) -> None:
    db.execute("UPDATE cache_totals SET misses = misses + 1")


def put(db: sqlite3.Connection, key: str, result: Result, bound: int, now: float) -> list[Path]:
    """Enter `result` and evict until the cache fits `bound` bytes; the files that nothing names any more.

    A result that alone is over the bound is not entered, so that it does not empty the cache.
    """
    size = sum(media.bytes for media in result.media) + len(result.text.encode())
    dropped = drop(db, key)
    if size <= bound:
        _insert(db, key, result, size, now)
    return orphans(db, dropped.files | _evict(db, bound))


def drop(db: sqlite3.Connection, key: str) -> Dropped:
    return _drop(db, "key = ?", key)


def clear(db: sqlite3.Connection, before: float | None) -> Dropped:
    """Drop what was made before the Unix time `before`, or everything."""
    return _drop(db, "true") if before is None else _drop(db, "created < ?", before)


def orphans(db: sqlite3.Connection, files: Iterable[File]) -> list[Path]:
    """Those of `files` that neither a cache entry, nor an unfinished job, nor an open question names."""
    return [Path(path) for sha256, path in files if not is_named(db, sha256)]


def referenced_hashes(db: sqlite3.Connection) -> set[str]:
    """The hashes of all files that a cache entry, an unfinished job or an open question names."""
    every = " UNION ".join(f"SELECT sha256 FROM {table}" for table in NAMING)  # noqa: S608  # our own tables
    return {row["sha256"] for row in db.execute(every)}


def stats(db: sqlite3.Connection) -> CacheStats:
    row = db.execute("SELECT *, (SELECT min(created) FROM cache) AS oldest FROM cache_totals").fetchone()
    return CacheStats(**dict(row))


def is_named(db: sqlite3.Connection, sha256: str) -> bool:
    """Return whether a cache entry, an unfinished job or an open question names the file."""
    queries = (f"SELECT 1 FROM {table} WHERE sha256 = ?" for table in NAMING)  # noqa: S608  # our own tables
    return any(db.execute(query, (sha256,)).fetchone() for query in queries)


def _insert(db: sqlite3.Connection, key: str, result: Result, size: int, now: float) -> None:
    db.execute(
        "INSERT INTO cache (key, result, bytes, created, last_used) VALUES (?, ?, ?, ?, ?)",
        (key, result.model_dump_json(), size, now, now),
    )
    files = [(key, media.sha256, str(media.path)) for media in result.media]
    db.executemany("INSERT INTO cache_files (key, sha256, path) VALUES (?, ?, ?)", files)


def _evict(db: sqlite3.Connection, bound: int) -> frozenset[File]:
    files: frozenset[File] = frozenset()
    while db.execute("SELECT bytes FROM cache_totals").fetchone()["bytes"] > bound:
        oldest = db.execute("SELECT key FROM cache ORDER BY last_used, rowid LIMIT 1").fetchone()
        files |= drop(db, oldest["key"]).files
    return files


def _drop(db: sqlite3.Connection, which: str, *values: str | float) -> Dropped:
    keys = f"SELECT key FROM cache WHERE {which}"  # noqa: S608  # our own conditions
    sums = f"SELECT count(*), coalesce(sum(bytes), 0) FROM cache WHERE {which}"  # noqa: S608
    entries, size = db.execute(sums, values).fetchone()
    files = db.execute(f"SELECT sha256, path FROM cache_files WHERE key IN ({keys})", values).fetchall()  # noqa: S608
    db.execute(f"DELETE FROM cache WHERE {which}", values)  # noqa: S608
    return Dropped(entries, size, frozenset((row["sha256"], row["path"]) for row in files))
