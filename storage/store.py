"""The store: jobs, cache, rate limits, statistics and notes in one SQLite file. Each method is one transaction."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Self

from engine.core.job import Failed, Job, Result, shared_key
from engine.media.files import is_intact
from storage import admission, cache, forms, jobs, limit_waits, limits, questions, reply_tokens, runs
from storage.admission import Batch
from storage.cache import CacheStats
from storage.consents import Consent
from storage.database import Database
from storage.decisions import Decisions
from storage.forget import forget
from storage.history import History
from storage.jobs import DuplicateRequest, IllegalTransition, JobRecord, State
from storage.limits import Active, Allowance, Caps, Limit, Rate
from storage.questions import Question
from storage.repeats import SeenBefore
from storage.reports import Reports
from storage.runs import Run
from storage.stats import Hour, Spread, Stats, Usage

__all__ = [
    "Active",
    "Allowance",
    "CacheStats",
    "Caps",
    "Consent",
    "DuplicateRequest",
    "Hour",
    "IllegalTransition",
    "JobRecord",
    "Limit",
    "Question",
    "Rate",
    "Run",
    "SeenBefore",
    "Spread",
    "State",
    "Stats",
    "Store",
    "Usage",
]  # fmt: skip

HASH_IN_THREAD_BYTES = 1_000_000
"""Files of this many bytes or more are hashed in a thread. A smaller one takes about a millisecond."""


class Store(Reports, History, Decisions):
    """The open database. Open it with `Store.open`."""

    def __init__(self, database: Database, cache_bytes: int, clock: Callable[[], float]) -> None:
        super().__init__(database, clock)
        self._cache_bytes = cache_bytes

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path | str, cache_bytes: int = 5_000_000_000, clock: Callable[[], float] = time.time
    ) -> AsyncIterator[Self]:
        """Open the database at `path`, or create it; `":memory:"` keeps it in memory.

        The cache keeps at most `cache_bytes` bytes of results; 0 turns it off. `clock` returns Unix seconds. Raises
        AtelierError if the file cannot be opened, is not a database, or was written by a newer version.
        """
        database = await Database.open(path)
        try:
            yield cls(database, cache_bytes, clock)
        finally:
            await database.close()

    async def admit(self, job: Job, limits: Sequence[Limit] = ()) -> Result | None:
        """Return the cached result and insert the job as `delivering`, or return None and insert it as `queued`.

        A queued job takes one token of each of `limits`. Raises RateLimited or TooMany, BadInput if the job exists
        already, DuplicateRequest if another job has the same `request`, and SeenBefore if the job needs another seed.
        An error, or a caller that is cancelled, leaves neither a row nor a token.
        """
        (cached,) = await self.admit_all([job], limits)
        return cached

    async def admit_all(
        self,
        batch: Sequence[Job],
        limits: Sequence[Limit] = (),
        question: Question | None = None,
        *,
        may_wait: bool = False,
    ) -> list[Result | None]:
        """Admit all jobs of `batch`, which have one command, and close the `question` that they answer, or do nothing.

        Jobs that `may_wait` are queued even over their limits: `claim_start` says when they may start. Raises what
        `admit` raises, BadInput if the question is closed, and SeenBefore for jobs that need another seed.
        """
        together = Batch(batch, limits, question, may_wait)
        cached = [await self._is_cached(job) for job in batch]
        results: list[Result | None] = []

        def admit(db: sqlite3.Connection) -> None:
            results.extend(admission.admit_all(db, together, self._clock()))

        try:
            await self._database.write(admit, durable=question is not None or not all(cached))
        except asyncio.CancelledError:  # if admission failed, rows of these ids may belong to another answer
            await self._database.write(lambda db: admission.withdraw_all(db, together) if results else None)
            raise
        return results

    async def claim_start(self, job_id: str, rate: Rate | None) -> float:
        """Return the seconds until the job's rate limit lets it start; 0 if the job does not wait for one any more.

        `rate` is that of its command, or None for no limit. The tokens are taken when this first returns 0.
        """
        if not await self._database.read(lambda db: limit_waits.exists(db, job_id)):
            return 0.0
        return await self._database.write(
            lambda db: limit_waits.claim(db, job_id, rate, self._clock()),
            durable=False,  # if a power cut undoes this, the job waits again and takes its tokens later
        )

    async def start(self, job_id: str, worker: str) -> None:
        """Move a queued job to `running` and count one more attempt. Raises IllegalTransition, as all moves do."""
        await self._database.write(
            lambda db: jobs.start(db, job_id, worker, self._clock()),
            durable=False,  # if a power cut undoes this, the job is queued and simply starts again
        )

    async def requeue(self, job_id: str, *, forgive: bool = False) -> int:
        """Move a running job back to `queued` and return how many attempts it has had.

        `forgive` takes the last attempt back: the bot shut down, and the worker did not die.
        """
        return await self._database.write(lambda db: jobs.requeue(db, job_id, int(forgive)))

    async def set_stage(self, job_id: str, stage: str) -> None:
        """Store the stage that a running job has reached."""
        await self._database.write(lambda db: jobs.set_stage(db, job_id, stage), durable=False)

    async def finish(self, job_id: str, result: Result, seconds: float) -> None:
        """Move a running job to `delivering` with its result, after `seconds` on a device.

        The result enters the cache, and the least recently used entries make room for it.
        """
        await self._unlink(await self._database.write(lambda db: self._finish(db, job_id, result, seconds)))

    async def fail(self, job_id: str, failed: Failed) -> None:
        """Move a queued or running job to `delivering` with its error."""
        dumped = failed.model_dump_json()
        await self._database.write(lambda db: jobs.deliver(db, job_id, failed=dumped, ended=self._clock()))

    async def abandon(self, job_id: str, failed: Failed) -> None:
        """Move an unfinished job to `failed` or `cancelled` at once, because nobody waits for its answer."""
        dumped, state = failed.model_dump_json(), jobs.final_state(failed)
        await self._database.write(lambda db: jobs.end(db, job_id, state, failed=dumped, ended=self._clock()))

    async def mark_delivered(self, job_id: str) -> None:
        """Move a delivering job to `done`, `failed` or `cancelled`: the user has seen its answer."""
        await self._database.write(lambda db: jobs.mark_delivered(db, job_id))

    async def set_origin(self, job_id: str, origin: str) -> None:
        """Store which message shows the job, so that the bot finds this message after a restart."""
        await self._database.write(lambda db: jobs.set_origin(db, job_id, origin))

    async def reply_token(self, job_id: str) -> str | None:
        """Return the platform's token with which the job can be answered, or None if there is none."""
        return await self._database.read(lambda db: reply_tokens.find(db, job_id))

    async def delete_reply_token(self, job_id: str) -> None:
        """Delete the token of a job whose message it does not belong to."""
        await self._database.write(lambda db: reply_tokens.delete(db, job_id))

    async def forget(self, job_id: str) -> None:
        """Erase the parameters and the result of a job that ended, and delete the files that nothing else refers to."""
        await self._unlink(await self._database.write(lambda db: forget(db, job_id)))

    async def job(self, job_id: str) -> JobRecord | None:
        """Return the job with this id, or None if there is none."""
        if not _is_encodable(job_id):
            return None
        return await self._database.read(lambda db: jobs.find(db, job_id))

    async def unfinished_jobs(self) -> list[JobRecord]:
        """Return the queued, running and delivering jobs, oldest first."""
        return await self._database.read(jobs.unfinished_jobs)

    async def jobs_of(self, user: str) -> list[JobRecord]:
        """Return the user's queued and running jobs, oldest first."""
        return await self._database.read(lambda db: jobs.waiting_of(db, user))

    async def finished_jobs_of(self, user: str, seconds: float, count: int) -> list[JobRecord]:
        """Return the user's last `count` jobs of the last `seconds` that have a result, newest first."""
        after = self._clock() - seconds
        return await self._database.read(lambda db: jobs.finished_of(db, user, after, count))

    async def clear_cache(self, older_than: float | None = None) -> tuple[int, int]:
        """Delete all cache entries, or those made more than `older_than` seconds ago.

        Returns how many entries were deleted and the number of their bytes.
        """
        before = None if older_than is None else self._clock() - older_than
        return await self._drop(lambda db: cache.clear(db, before))

    async def record_run(self, run: Run) -> None:
        """Store how long a run took, and delete the runs of its kind that are too old to count."""
        await self._database.write(lambda db: runs.insert(db, run), durable=False)

    async def delete_expired(self, now: float | None = None) -> int:
        """Delete expired rate limit tokens, questions and forms. Returns how many rows were deleted."""
        at = self._clock() if now is None else now
        return await self._database.write(
            lambda db: sum(kind.delete_expired(db, at) for kind in (limits, questions, forms)), durable=False
        )

    def _finish(self, db: sqlite3.Connection, job_id: str, result: Result, seconds: float) -> list[Path]:
        now = self._clock()
        row = jobs.deliver(db, job_id, result=result.model_dump_json(), seconds=seconds, ended=now)
        key = shared_key(row["key"], row["user"], private=row["private"])
        return cache.put(db, key, result, self._cache_bytes, now)

    async def _is_cached(self, job: Job) -> bool:
        """Return whether the cache has a result for the job with its files intact. Damaged entries are deleted."""
        while (found := await self._database.read(lambda db: cache.find(db, job))) is not None:
            key, result = found
            large = sum(media.bytes for media in result.media) >= HASH_IN_THREAD_BYTES
            if await asyncio.to_thread(_all_intact, result) if large else _all_intact(result):
                return True
            await self._drop(partial(cache.drop, key=key))
        return False

    async def _drop(self, select: Callable[[sqlite3.Connection], cache.DroppedEntries]) -> tuple[int, int]:
        def drop(db: sqlite3.Connection) -> tuple[cache.DroppedEntries, list[Path]]:
            dropped = select(db)
            return dropped, cache.unreferenced_paths(db, dropped.files)

        dropped, paths = await self._database.write(drop)
        await self._unlink(paths)
        return dropped.entries, dropped.bytes


def _all_intact(result: Result) -> bool:
    return all(is_intact(media) for media in result.media)


def _is_encodable(job_id: str) -> bool:
    """Return whether SQLite accepts the text, which comes from users: it rejects lone surrogates."""
    try:
        job_id.encode()
    except UnicodeEncodeError:
        return False
    return True
