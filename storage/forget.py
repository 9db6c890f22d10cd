"""Erase what a job made. Its row stays for the statistics, without parameters, result or files.

Its `repeat_key` stays too, a hash, so that the same words do not draw what their user has just deleted.
"""

import sqlite3
from pathlib import Path

from engine.core.errors import UserMessage
from engine.core.job import Media, Result
from storage import cache, jobs

DELETED = Result(notes=(UserMessage(template="This result was deleted."),))
"""The result that a job has after its own was erased."""


def forget(db: sqlite3.Connection, job_id: str) -> list[Path]:
    """Erase a job that has a result and return the paths of the files that nothing refers to any more.

    The cache entry of the result is deleted too, unless another job was answered with it. Files that another job has
    stay.
    """
    row = jobs.find(db, job_id)
    if row is None or row.result is None:
        return []
    changes = (DELETED.model_dump_json(), job_id)
    db.execute("UPDATE jobs SET key = '', params = '{}', notes = '[]', result = ? WHERE id = ?", changes)
    db.execute("DELETE FROM job_files WHERE job = ?", (job_id,))
    dropped: frozenset[cache.File] = frozenset()
    if not _has_other_job(db, row.job.key, row.job.user if row.job.private else None):
        dropped = cache.drop(db, row.job.shared_key).files
    if not row.job.key or _has_other_job(db, row.job.key):
        return []
    return cache.unreferenced_paths(db, dropped | _files(row.result.media))


def _files(media: tuple[Media, ...]) -> frozenset[cache.File]:
    return frozenset((one.sha256, str(one.path)) for one in media)


def _has_other_job(db: sqlite3.Connection, key: str, user: str | None = None) -> bool:
    """Return whether another job, of `user` if given, was answered with the result of `key`."""
    query = "SELECT 1 FROM jobs WHERE key = ? AND state IN ('delivering', 'done') AND user = coalesce(?, user) LIMIT 1"
    return db.execute(query, (key, user)).fetchone() is not None
