"""The life of an admitted job, from its row to its answer: each change is in the store before anybody is told of it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from itertools import count
from typing import TypeVar

import structlog

from bot.jobs.coalescing import JobCoalescer
from engine.core.errors import Cancelled, EngineDied, Unwritten
from engine.core.job import Done, Failed, Job, Paused, Progress, Queued, Started, Update
from storage.store import IllegalTransition, Store

log = structlog.get_logger()
T = TypeVar("T")

MAX_ATTEMPTS = 2
"""Runs that a job may have, over all runs of the studio: one that ended each in a crash is the likely cause."""
FINAL_STATES = ("done", "failed", "cancelled")
DISK_RETRY_SECONDS = 1.0
"""Seconds between two looks whether what is made can be written down."""


class JobLifecycle:
    """Carries jobs. Who takes the update after the last one says by that that the person has been shown the last."""

    def __init__(self, store: Store, coalescer: JobCoalescer) -> None:
        self._store = store
        self._flights = coalescer
        self._active: set[str] = set()
        self._detached: set[str] = set()
        self.open = True

    def __contains__(self, job: str) -> bool:
        return job in self._active

    def detach(self, job: str) -> None:
        """From now on closing this job's updates does not cancel it: it is to go on later."""
        if job in self._active:
            self._detached.add(job)

    async def run(self, job: Job) -> AsyncGenerator[Update, None]:
        """A queued job, to Done, Failed or Paused. Closing this before then cancels it."""
        timer = _RunTimer()
        last: Update | None = None
        self._active.add(job.id)
        try:
            async with aclosing(self._flights.subscribe(job)) as updates:
                async for update in updates:
                    told = await self._record(job, update, timer)
                    last = told if isinstance(told, Done | Failed | Paused) else None
                    yield told
                    if last is not None:
                        break
            if not isinstance(last, Paused):
                await self._write(lambda: self._store.mark_delivered(job.id))
        finally:
            if last is None:
                await self._on_closed(job, timer)
            elif isinstance(last, Paused):
                await self._requeue(job, timer)
            self._forget(job)

    async def redeliver(self, job: Job, last: Update) -> AsyncGenerator[Update, None]:
        """The last update alone, of a job that delivers."""
        self._active.add(job.id)
        try:
            yield last
            await self._write(lambda: self._store.mark_delivered(job.id))
        finally:
            self._forget(job)

    async def resume(self, job: Job) -> AsyncGenerator[Update, None]:
        """What is in the store and nobody carries: told where it has ended, run again where it has not.

        Nothing comes of a job that is carried already, or has ended since it was read.
        """
        if job.id in self._active:
            return
        self._active.add(job.id)
        try:
            updates = await self._recover(job)
            if updates is not None:
                async with aclosing(updates):
                    async for update in updates:
                        yield update
        finally:
            self._forget(job)

    async def _recover(self, job: Job) -> AsyncGenerator[Update, None] | None:
        row = await self._store.job(job.id)
        if row is None or row.state in FINAL_STATES:
            return None
        log.info("taken up", job=job.id, state=row.state, attempt=row.attempt, stage=row.stage)
        if row.state == "delivering":
            assert row.outcome is not None, "only what has ended is delivered"
            return self.redeliver(job, row.outcome)
        if row.state == "running":
            await self._write(lambda: self._store.requeue(job.id))
        return self.redeliver(job, await self._fail_poisoned(job)) if row.attempt >= MAX_ATTEMPTS else self.run(job)

    async def _record(self, job: Job, update: Update, timer: "_RunTimer") -> Update:
        """What is told: the update, or that the job is given up."""
        match update:
            case Queued() if timer.is_running:
                timer.stop()
                if await self._write(lambda: self._store.requeue(job.id)) >= MAX_ATTEMPTS:
                    return await self._fail_poisoned(job)
            case Started():
                timer.begin()
                await self._write(lambda: self._store.start(job.id, update.worker))
            case Progress() if update.stage != timer.stage:
                timer.stage = update.stage
                await self._write(lambda: self._store.stage(job.id, update.stage))
            case Done():
                await self._write(lambda: self._store.finish(job.id, update.result, timer.seconds))
                log.info("done", seconds=round(timer.seconds, 3))
                return job.finish_with(update.result, cached=update.cached)
            case Failed():
                await self._fail(job, update)
        return update

    async def _fail(self, job: Job, failed: Failed) -> None:
        await self._write(lambda: self._store.fail(job.id, failed))
        log.info("failed", kind=failed.kind, why=str(failed.sentence))

    async def _fail_poisoned(self, job: Job) -> Failed:
        failed = Failed.of(_poison_error(), job.id)
        await self._fail(job, failed)
        return failed

    async def _on_closed(self, job: Job, timer: "_RunTimer") -> None:
        """Somebody closed the updates: the person, who wants no answer, or a platform that will be back."""
        if self.open and job.id not in self._detached:
            failed = Failed.of(Cancelled("Cancelled."), job.id)
            await self._write(lambda: self._store.abandon(job.id, failed))
            log.info("failed", kind=failed.kind, why=str(failed.sentence))
        else:
            await self._requeue(job, timer)

    async def _requeue(self, job: Job, timer: "_RunTimer") -> None:
        """A run that was ended by no fault of the job's does not count."""
        if timer.is_running:
            try:
                await self._store.requeue(job.id, forgive=True)
            except (IllegalTransition, Unwritten) as error:
                log.warning("left as it is", why=str(error))

    async def _write(self, change: Callable[[], Awaitable[T]]) -> T:
        """What is under way waits until it can be written down, as on a full disk, so that nothing of it is lost."""
        for tries in count():
            try:
                return await change()
            except Unwritten as error:
                if not tries:
                    log.error("waiting until it can be written down", why=str(error))  # noqa: TRY400  # no fault of ours
            await asyncio.sleep(DISK_RETRY_SECONDS)
        raise AssertionError("it is tried for ever")

    def _forget(self, job: Job) -> None:
        self._active.discard(job.id)
        self._detached.discard(job.id)


class _RunTimer:
    """Device-seconds of a run, from its newest Started on, and its stage."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self.stage = ""

    @property
    def is_running(self) -> bool:
        return self._begun is not None

    def begin(self) -> None:
        self._begun = time.monotonic()

    def stop(self) -> None:
        self._begun = None

    @property
    def seconds(self) -> float:
        return 0.0 if self._begun is None else time.monotonic() - self._begun


def _poison_error() -> EngineDied:
    return EngineDied("The engine died twice while it worked on this job, so it was given up. Try other options.")
