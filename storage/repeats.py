"""Repeated words: a user who has seen a result gets another one, although the cache could answer with the same."""

import sqlite3
from collections.abc import Iterable

from engine.core.job import Job

SEEN_QUERY = "SELECT 1 FROM jobs WHERE user = ? AND repeat_key = ? AND repeat_key <> '' AND failed IS NULL LIMIT 1"
"""Finds a job that has succeeded or may still do so. SQLite uses the partial index only for a key that is not empty."""


class SeenBefore(Exception):
    """Users have seen the results of some jobs of a request, or soon will. `jobs` holds the ids of these jobs."""

    def __init__(self, jobs: frozenset[str]) -> None:
        super().__init__(sorted(jobs))
        self.jobs = jobs


def check_unseen(db: sqlite3.Connection, jobs: Iterable[Job]) -> None:
    """Raise SeenBefore for those of `jobs` whose result their user has seen, or would get twice from `jobs`."""
    seen, wanted = set[str](), set[tuple[str, str]]()
    for job in jobs:
        if job.repeat_key and job.key == job.repeat_key:
            if (job.user, job.key) in wanted or _has_seen(db, job.user, job.repeat_key):
                seen.add(job.id)
            wanted.add((job.user, job.key))
    if seen:
        raise SeenBefore(frozenset(seen))


def _has_seen(db: sqlite3.Connection, user: str, repeat_key: str) -> bool:
    """Return whether the user has a job for the same words that has succeeded or may still do so."""
    return db.execute(SEEN_QUERY, (user, repeat_key)).fetchone() is not None
