"""Jobs, cache, limits, statistics and notes in one SQLite file. Every method is one transaction."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from engine.core.job import Failed, Job, Result
from engine.media.files import intact
from storage import cache, consents, jobs, limits, questions, runs
from storage.cache import CacheStats
from storage.consents import Consent
from storage.database import Database
from storage.forget import forget
from storage.jobs import DuplicateRequest, IllegalTransition, JobRecord, State
from storage.limits import Active, Allowance, Caps, Limit, Rate
from storage.questions import Question
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
    "Spread",
    "State",
    "Stats",
    "Store",
    "Usage",
]  # fmt: skip

HASH_IN_THREAD_BYTES = 1_000_000
"""Bytes from which on files are hashed in a thread: about a millisecond's work."""


class Store(Reports):
    """Opened with `Store.open`. `clock` gives Unix seconds."""

    def __init__(self, database: Database, cache_bytes: int, clock: Callable[[], float]) -> None:
        super().__init__(database, clock)
        self._cache_bytes = cache_bytes

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path | str, cache_bytes: int = 5_000_000_000, clock: Callable[[], float] = time.time
    ) -> AsyncIterator[Self]:
        """The file at `path`, made when missing, or `":memory:"`. The cache keeps at most `cache_bytes`; 0 is none."""
        database = await Database.open(path)
        try:
            yield cls(database, cache_bytes, clock)
        finally:
            await database.close()

    async def admit(self, job: Job, limits: Sequence[Limit] = ()) -> Result | None:
        """The cached result, the row delivering it; or None, the row queued and a token taken of every limit.

        Raises RateLimited or TooMany, BadInput for a job that is here already, and TakenBefore for a job of the same
        `request`, nothing taken or written. A caller that is cancelled meanwhile leaves no row.
        """
        (cached,) = await self.admit_all([job], limits)
        return cached

    async def admit_all(
        self, batch: Sequence[Job], limits: Sequence[Limit] = (), question: Question | None = None
    ) -> list[Result | None]:
        """Admit each of the batch, all of one command, and close the `question` that they answer: all of it or nothing.

        Raises what `admit` does, and BadInput where the question is closed.
        """
        sound = [await self._sound(job.key) for job in batch]
        results: list[Result | None] = []

        def admit(db: sqlite3.Connection) -> None:
            results.extend(self._admit_all(db, batch, limits, question))

        try:
            await self._database.write(admit, durable=question is not None or not all(sound))
        except asyncio.CancelledError:  # rows of these names may be another answer's
            await self._database.write(lambda db: _withdraw_all(db, batch, question) if results else None)
            raise
        return results

    async def start(self, job_id: str, worker: str) -> None:
        """Queued to running: one more attempt. Raises IllegalMove, as do all moves."""
        await self._database.write(
            lambda db: jobs.start(db, job_id, worker, self._clock()),
            durable=False,  # after a power cut it is queued, which is as well
        )

    async def requeue(self, job_id: str, *, forgive: bool = False) -> int:
        """Running to queued: its worker died, or, to `forgive` the attempt, the bot closes. How many it has had."""
        return await self._database.write(lambda db: jobs.requeue(db, job_id, int(forgive)))

    async def stage(self, job_id: str, stage: str) -> None:
        """What the running job is at."""
        query = "UPDATE jobs SET stage = ? WHERE id = ? AND state = 'running'"
        await self._database.write(lambda db: db.execute(query, (stage, job_id)), durable=False)

    async def finish(self, job_id: str, result: Result, seconds: float) -> None:
        """Running to delivering after `seconds` of a device; the result enters the cache, older ones make room."""
        await self._unlink(await self._database.write(lambda db: self._finish(db, job_id, result, seconds)))

    async def fail(self, job_id: str, failed: Failed) -> None:
        """To delivering how it failed, from queued or running."""
        dumped = failed.model_dump_json()
        await self._database.write(lambda db: jobs.deliver(db, job_id, failed=dumped, ended=self._clock()))

    async def abandon(self, job_id: str, failed: Failed) -> None:
        """To failed or cancelled from any state that is not an end: there is nobody to be told."""
        dumped, state = failed.model_dump_json(), jobs.ended_as(failed)
        await self._database.write(lambda db: jobs.end(db, job_id, state, failed=dumped, ended=self._clock()))

    async def mark_delivered(self, job_id: str) -> None:
        """Delivering to done, failed or cancelled: the person has seen it."""
        await self._database.write(lambda db: jobs.mark_delivered(db, job_id))

    async def address(self, job_id: str, origin: str) -> None:
        """The message that shows the job, so that a later run of the bot finds it."""
        await self._database.write(lambda db: jobs.address(db, job_id, origin))

    async def forget(self, job_id: str) -> None:
        """Empty a job that ended of words, options and result; its files go unless something else names them."""
        await self._unlink(await self._database.write(lambda db: forget(db, job_id)))

    async def job(self, job_id: str) -> JobRecord | None:
        """The job of that name; None where there is none, or it can be no name."""
        if not _is_name(job_id):
            return None
        return await self._database.read(lambda db: jobs.find(db, job_id))

    async def unfinished_jobs(self) -> list[JobRecord]:
        """Queued, running and delivering jobs, oldest first."""
        return await self._database.read(jobs.unfinished_jobs)

    async def jobs_of(self, user: str) -> list[JobRecord]:
        """The user's queued and running jobs, oldest first."""
        return await self._database.read(lambda db: jobs.waiting_of(db, user))

    async def cache_clear(self, older_than: float | None = None) -> tuple[int, int]:
        """Drop what was made more than `older_than` seconds ago, or everything; how many entries and bytes."""
        before = None if older_than is None else self._clock() - older_than
        return await self._drop(lambda db: cache.clear(db, before))

    async def learn(self, task: str, model: str, size: str, device: str, seconds: float) -> None:
        """Keep how long a run of this kind took, and forget what no longer counts."""
        run = (task, model, size, device, seconds)
        await self._database.write(lambda db: runs.insert(db, run), durable=False)

    async def add_question(self, question: Question) -> None:
        """Keep the jobs that their person has yet to agree to, with their files."""
        await self._database.write(lambda db: questions.insert(db, question))

    async def get_question(self, name: str) -> Question | None:
        """None where it was answered, or its time is over."""
        return await self._database.read(lambda db: questions.find(db, name, self._clock()))

    async def delete_question(self, name: str) -> bool:
        """Drop a question; whether it was there."""
        return await self._database.write(lambda db: questions.drop(db, name))

    async def mark_as_question(self, request: str, seconds: float) -> None:
        """The platform's message `request` was answered with a question: it is known as taken for so long."""
        until = self._clock() + seconds
        await self._database.write(lambda db: questions.mark_shown(db, request, until))

    async def is_duplicate(self, request: str) -> bool:
        """Whether the platform's message `request` has made a job already, or its question was shown."""
        now = self._clock()
        return await self._database.read(
            lambda db: jobs.has_job_for(db, request) or questions.is_answered_by_question(db, request, now)
        )

    async def add_consent(self, job: Job, statement: str) -> None:
        """The job's person agreed, with it, to the words whose SHA-256 is `statement`."""
        await self._database.write(lambda db: consents.give(db, job, statement, self._clock()))

    async def find_consent(self, user: str, command: str, statement: str) -> Consent | None:
        """What the user agreed to before; None where they did not."""
        return await self._database.read(lambda db: consents.find(db, user, command, statement))

    async def tidy(self, now: float | None = None) -> int:
        """Drop the rows of tokens that came back and of questions whose time is over; how many."""
        return await self._database.write(
            lambda db: limits.tidy(db, self._at(now)) + questions.tidy(db, self._at(now)), durable=False
        )

    async def note(self, name: str) -> str | None:
        """A small value that an adapter keeps, such as the hash of the commands it synced."""
        query = "SELECT value FROM notes WHERE name = ?"
        row = await self._database.read(lambda db: db.execute(query, (name,)).fetchone())
        return row["value"] if row else None

    async def set_note(self, name: str, value: str) -> None:
        query = "INSERT INTO notes VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
        await self._database.write(lambda db: db.execute(query, (name, value)))

    async def first_note(self, name: str, value: str) -> str:
        """What is kept under the name: `value`, where that is nothing yet."""
        query = "INSERT INTO notes VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value RETURNING value"
        row = await self._database.write(lambda db: db.execute(query, (name, value)).fetchone())
        return str(row["value"])

    def _admit_all(
        self, db: sqlite3.Connection, batch: Sequence[Job], bounds: Sequence[Limit], question: Question | None
    ) -> list[Result | None]:
        results = [self._admit(db, job, bounds) for job in batch]
        if question is not None:
            questions.answer(db, question)
        return results

    def _admit(self, db: sqlite3.Connection, job: Job, bounds: Sequence[Limit]) -> Result | None:
        now = self._clock()
        jobs.check_new(db, job)
        result = cache.lookup(db, job.key)
        if result is not None:
            cache.hit(db, job.key, now)
            jobs.insert(db, job, "delivering", cached=1, ended=now, result=result.model_dump_json())
            jobs.add_files(db, job.id, jobs.files_in(result.model_dump(mode="json")))
            return result
        limits.check_caps(db, Caps.of(job))
        limits.check(db, bounds, now)
        limits.take(db, bounds, job, now)
        cache.miss(db)
        jobs.insert(db, job, "queued")
        return None

    def _finish(self, db: sqlite3.Connection, job_id: str, result: Result, seconds: float) -> list[Path]:
        now = self._clock()
        row = jobs.deliver(db, job_id, result=result.model_dump_json(), seconds=seconds, ended=now)
        return cache.put(db, row["key"], result, self._cache_bytes, now)

    async def _sound(self, key: str) -> bool:
        """Whether the cache has `key` with all its files as they were; an entry with a damaged one is dropped."""
        result = await self._database.read(lambda db: cache.lookup(db, key))
        if result is None:
            return False
        large = sum(media.bytes for media in result.media) >= HASH_IN_THREAD_BYTES
        sound = await asyncio.to_thread(_all_intact, result) if large else _all_intact(result)
        if not sound:
            await self._drop(lambda db: cache.drop(db, key))
        return sound

    async def _drop(self, which: Callable[[sqlite3.Connection], cache.Dropped]) -> tuple[int, int]:
        def drop(db: sqlite3.Connection) -> tuple[cache.Dropped, list[Path]]:
            dropped = which(db)
            return dropped, cache.orphans(db, dropped.files)

        dropped, orphans = await self._database.write(drop)
        await self._unlink(orphans)
        return dropped.entries, dropped.bytes

    async def _unlink(self, paths: Sequence[Path]) -> None:
        if paths:
            await asyncio.to_thread(_unlink, paths)


def _withdraw_all(db: sqlite3.Connection, batch: Sequence[Job], question: Question | None) -> None:
    """What was asked can be asked again, and what was a question is one again."""
    withdrawn = [jobs.withdraw(db, job.id) for job in batch]
    if question is not None and any(withdrawn):
        questions.insert(db, question)


def _all_intact(result: Result) -> bool:
    return all(intact(media) for media in result.media)


def _is_name(job_id: str) -> bool:
    """Whether SQLite takes the text, which people send: it takes no lone surrogates."""
    try:
        job_id.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
