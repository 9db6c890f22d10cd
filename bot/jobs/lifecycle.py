"""The state machine of an admitted job. Every change is written to the store before its update is yielded.

This module alone decides whether a job runs again: the engine only reports that a worker has died.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from itertools import count
from typing import TypeVar

import structlog

from bot.jobs.coalescing import JobCoalescer, Subscription
from bot.jobs.limit_gate import LimitGate
from engine.core.errors import Cancelled, Unwritten, crashed_twice
from engine.core.job import Done, Failed, Job, Paused, Progress, Started, Update
from engine.host.job_handle import WorkerDied
from storage.store import IllegalTransition, Store

log = structlog.get_logger()
T = TypeVar("T")

MAX_ATTEMPTS = 2
"""Runs that a job may have, across restarts. A job whose runs all crashed is probably the cause."""
FINAL_STATES = ("done", "failed", "cancelled")
"""States after which a job has no more updates."""
DISK_RETRY_SECONDS = 1.0
"""Seconds between two attempts to write to the store while the disk is full or the database is locked."""


class JobLifecycle:
    """Runs jobs and records their states.

    Asking for the update after the final one acknowledges that the final one was shown; the job is then `done`.
    """

    def __init__(self, store: Store, coalescer: JobCoalescer, gate: LimitGate) -> None:
        self._store = store
        self._gate = gate
        self._coalescer = coalescer
        self._active: set[str] = set()
        self._detached: set[str] = set()
        self.open = True

    def __contains__(self, job: str) -> bool:
        return job in self._active

    def detach(self, job: str) -> None:
        """Requeue this job, instead of cancelling it, when its updates are closed."""
        if job in self._active:
            self._detached.add(job)

    async def run(self, job: Job, attempts: int = 0) -> AsyncGenerator[Update, None]:
        """Run a queued job, up to Done, Failed or Paused. Closing the iterator earlier cancels the job.

        `attempts` is how many of its runs have crashed before.
        """
        timer = _RunTimer()
        last: Update | None = None
        self._active.add(job.id)
        try:
            with self._gate.hold(job) as held:
                while last is None and (waiting := await self._gate.next_update(held)) is not None:
                    update = await self._record(job, waiting, timer)
                    last = update if isinstance(update, Failed | Paused) else None
                    yield update
            if last is None:
                with self._coalescer.subscribe(job, attempts + 1) as subscription:
                    while last is None:
                        update = await self._next_update(job, subscription, timer)
                        last = update if isinstance(update, Done | Failed | Paused) else None
                        yield update
            if not isinstance(last, Paused):
                await self._write(lambda: self._store.mark_delivered(job.id))
        finally:
            if last is None:
                await self._handle_close(job, timer)
            elif isinstance(last, Paused):
                await self._requeue(job, timer)
            self._forget(job)

    async def redeliver(self, job: Job, last: Update) -> AsyncGenerator[Update, None]:
        """Yield the last update of a job that has ended but has not been delivered."""
        self._active.add(job.id)
        try:
            yield last
            await self._write(lambda: self._store.mark_delivered(job.id))
        finally:
            self._forget(job)

    async def resume(self, job: Job) -> AsyncGenerator[Update, None]:
        """Resume a stored job that is not active: deliver its result if it has ended, else run it again.

        Yields nothing for a job that is already active, or that has been delivered since it was read.
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
        log.info("resuming job", job=job.id, state=row.state, attempt=row.attempt, stage=row.stage)
        if row.state == "delivering":
            assert row.outcome is not None, "only jobs that have ended are delivering"
            return self.redeliver(job, row.outcome)
        if row.state == "running":
            await self._write(lambda: self._store.requeue(job.id))
        if row.attempt >= MAX_ATTEMPTS:
            return self.redeliver(job, await self._fail_poisoned(job))
        return self.run(job, row.attempt)

    async def _next_update(self, job: Job, subscription: Subscription, timer: "_RunTimer") -> Update:
        """Wait for the next update, write it to the store and return it.

        When a worker has died, run the job again, or fail it after MAX_ATTEMPTS.
        """
        while isinstance(update := await subscription.next(), WorkerDied):
            if await self._count_crash(job, update, timer) >= MAX_ATTEMPTS:
                return await self._fail_poisoned(job)
            log.warning("job will run again", job=job.id, user=job.user)
            subscription.run_again(update)
        return await self._record(job, update, timer)

    async def _count_crash(self, job: Job, died: WorkerDied, timer: "_RunTimer") -> int:
        """Queue the job again after its worker died, and return how many attempts it has had."""
        if not timer.is_running:  # the worker died before it could say that it had started the job
            await self._write(lambda: self._store.start(job.id, died.worker))
        timer.stop()
        return await self._write(lambda: self._store.requeue(job.id))

    async def _record(self, job: Job, update: Update, timer: "_RunTimer") -> Update:
        """Write the update to the store and return it as the user sees it."""
        match update:
            case Started():
                timer.begin()
                await self._write(lambda: self._store.start(job.id, update.worker))
            case Progress() if update.stage != timer.stage:
                timer.stage = update.stage
                await self._write(lambda: self._store.set_stage(job.id, update.stage))
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
        failed = Failed.of(crashed_twice(), job.id)
        await self._fail(job, failed)
        return failed

    async def _handle_close(self, job: Job, timer: "_RunTimer") -> None:
        """Cancel a job whose user closed its updates, or requeue it if its platform was lost or is shutting down."""
        if self.open and job.id not in self._detached:
            failed = Failed.of(Cancelled("Cancelled."), job.id)
            await self._write(lambda: self._store.abandon(job.id, failed))
            log.info("failed", kind=failed.kind, why=str(failed.sentence))
        else:
            await self._requeue(job, timer)

    async def _requeue(self, job: Job, timer: "_RunTimer") -> None:
        """Put a running job back in the queue without counting the attempt, since the job did not cause its end."""
        if timer.is_running:
            try:
                await self._store.requeue(job.id, forgive=True)
            except (IllegalTransition, Unwritten) as error:
                log.warning("job not requeued", job=job.id, why=str(error))

    async def _write(self, change: Callable[[], Awaitable[T]]) -> T:
        """Write to the store, and retry until it succeeds, as on a full disk, so that no result is lost."""
        for failures in count():
            try:
                return await change()
            except Unwritten as error:
                if not failures:
                    log.error("cannot write to the store; retrying", why=str(error))  # noqa: TRY400  # not a bug, so no traceback
            await asyncio.sleep(DISK_RETRY_SECONDS)
        raise AssertionError("the loop above never ends")

    def _forget(self, job: Job) -> None:
        self._active.discard(job.id)
        self._detached.discard(job.id)


async def run_unstored(coalescer: JobCoalescer, job: Job) -> Done | Failed | Paused:
    """Run a job that has no row in the store, such as one that writes a prompt, and return its last update.

    It has as many attempts as any other job.
    """
    crashes = 0
    with coalescer.subscribe(job) as subscription:
        while not isinstance(update := await subscription.next(), Done | Failed | Paused):
            if isinstance(update, WorkerDied):
                crashes += 1
                if crashes >= MAX_ATTEMPTS:
                    return Failed.of(crashed_twice(), job.id)
                subscription.run_again(update)
    return update


class _RunTimer:
    """The current stage of a run, and its seconds since the newest Started update."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self.stage = ""

    @property
    def is_running(self) -> bool:
        """Return whether the run has started and not gone back to the queue."""
        return self._begun is not None

    def begin(self) -> None:
        """Start from zero."""
        self._begun = time.monotonic()

    def stop(self) -> None:
        """Forget the start, as the run has gone back to the queue."""
        self._begun = None

    @property
    def seconds(self) -> float:
        """Return the seconds since the start, or 0 while the run is not running."""
        return 0.0 if self._begun is None else time.monotonic() - self._begun
