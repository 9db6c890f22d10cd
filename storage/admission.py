"""Admission of jobs: a job is answered from the cache, queued, or refused, in one transaction."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from engine.core.job import Job, Result
from storage import cache, jobs, limit_waits, limits, questions, repeats
from storage.limits import Caps, Limit
from storage.questions import Question


@dataclass(frozen=True)
class Batch:
    """The jobs of one request, the rate limits that each of them counts against, and the question they answer.

    Jobs over a rate limit are refused, or kept until they may start if they `may_wait`.
    """

    jobs: Sequence[Job]
    limits: Sequence[Limit] = ()
    question: Question | None = None
    may_wait: bool = False


def check_room(db: sqlite3.Connection, caps: Caps, bounds: Sequence[Limit], now: float) -> None:
    """Raise TooMany or RateLimited if a new job of this user would be refused at the Unix time `now`."""
    limits.check_caps(db, caps)
    limits.check(db, bounds, now)


def admit_all(db: sqlite3.Connection, batch: Batch, now: float) -> list[Result | None]:
    """Insert a row for each job of the batch and close its question.

    Returns the cached result of each job, or None for a job that was queued. Raises what `_admit` raises, SeenBefore,
    and BadInput if the question is closed already.
    """
    repeats.check_unseen(db, batch.jobs)
    results = [_admit(db, job, batch, now) for job in batch.jobs]
    if batch.question is not None:
        questions.close(db, batch.question)
    return results


def withdraw_all(db: sqlite3.Connection, batch: Batch) -> None:
    """Delete the rows that `admit_all` inserted and open the batch's question again, so that it can be answered."""
    withdrawn = [jobs.withdraw(db, job.id) for job in batch.jobs]
    if batch.question is not None and any(withdrawn):
        questions.insert(db, batch.question)


def _admit(db: sqlite3.Connection, job: Job, batch: Batch, now: float) -> Result | None:
    """Insert the job's row: `delivering` with the cached result that is returned, or else `queued`.

    A queued job takes one token of each limit, or waits until it can. Raises DuplicateRequest, BadInput, TooMany or
    RateLimited.
    """
    jobs.check_new(db, job)
    found = cache.find(db, job)
    if found is not None:
        key, result = found
        cache.count_hit(db, key, now)
        jobs.insert(db, job, "delivering", cached=1, ended=now, result=result.model_dump_json())
        jobs.add_files(db, job.id, jobs.files_in(result.model_dump(mode="json")))
        return result
    limits.check_caps(db, Caps.of(job))
    must_wait = batch.may_wait and job.max_queued != 0 and not limits.are_free(db, batch.limits, now)
    if not must_wait:
        limits.check(db, batch.limits, now)
        limits.take_tokens(db, batch.limits, job.id, now)
    cache.count_miss(db)
    jobs.insert(db, job, "queued")
    if must_wait:
        limit_waits.add(db, job.id, batch.limits)
    return None
