"""Let identical jobs share one run. The first job starts it, later ones subscribe, and it ends with the last one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from engine.core.errors import AtelierError, Broken, Cancelled
from engine.core.job import Done, Failed, Job, Paused, Started, Update
from engine.host.engine import Engine

log = structlog.get_logger()


class JobCoalescer:
    """Maps active jobs to shared runs: subscribers by job id, runs by `Job.key`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runs: dict[str, _SharedRun] = {}
        self._subscribers: dict[str, _Subscriber] = {}

    def __len__(self) -> int:
        return len(self._subscribers)

    def queue_position(self, job: str) -> int | None:
        """Return the job's position in the queue from 1, 0 while it runs, or None if it is not active."""
        subscriber = self._subscribers.get(job)
        return self._engine.queue_position(subscriber.run.job.id) if subscriber else None

    def run_id_of(self, job: str) -> str | None:
        """Return the id under which the engine knows the job's run, which is the id of the first identical job."""
        subscriber = self._subscribers.get(job)
        return subscriber.run.job.id if subscriber else None

    async def subscribe(self, job: Job) -> AsyncGenerator[Update, None]:
        """Yield the job's updates up to Done, Failed or Paused. Closing the iterator detaches only this job."""
        subscriber = self._attach(job)
        try:
            while True:
                update = await subscriber.updates.get()
                yield update.model_copy(update={"job": job.id})
                if isinstance(update, Done | Failed | Paused):
                    return
        finally:
            self._detach(job, subscriber)

    def cancel(self, job: str) -> bool:
        """End this job and no other. Returns False if it is not active."""
        return self._notify(job, Failed.of(Cancelled("Cancelled."), job))

    def pause(self) -> None:
        """Pause every job, so that a later process continues it."""
        for job in list(self._subscribers):
            self._notify(job, Paused(job=job))

    def _notify(self, job: str, last: Update) -> bool:
        subscriber = self._subscribers.get(job)
        if subscriber is not None:
            subscriber.updates.put_nowait(last)
        return subscriber is not None

    def _attach(self, job: Job) -> "_Subscriber":
        run = self._runs.get(job.key)
        if run is None:
            run = self._runs[job.key] = _SharedRun(job)
            run.task = asyncio.create_task(self._drive(run))
        subscriber = self._subscribers[job.id] = _Subscriber(run)
        run.subscribers.append(subscriber)
        return subscriber

    def _detach(self, job: Job, subscriber: "_Subscriber") -> None:
        del self._subscribers[job.id]
        subscriber.run.subscribers.remove(subscriber)
        if not subscriber.run.subscribers and self._runs.get(job.key) is subscriber.run:
            del self._runs[job.key]
            subscriber.run.cancel()

    async def _drive(self, run: "_SharedRun") -> None:
        """Publish the run's updates. A job that the engine refuses fails like any other."""
        try:
            async with aclosing(self._engine.submit(run.job)) as updates:
                async for update in updates:
                    run.publish(update)
        except AtelierError as error:
            run.publish(Failed.of(error))
        except Exception:  # publish a failure whatever it was; the next identical job starts a new run
            log.exception("the engine did not accept a job", job=run.job.id, task=run.job.task)
            run.publish(Failed.of(Broken("Something went wrong on our side. Try again, or try other options.")))
        finally:
            if self._runs.get(run.job.key) is run:
                del self._runs[run.job.key]


class _SharedRun:
    """One run in the engine. Late subscribers get its Started update and its newest one."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.subscribers: list[_Subscriber] = []
        self.task: asyncio.Task[None] | None = None
        self.history: list[Update] = []

    def publish(self, update: Update) -> None:
        """Send the update to every subscriber, and remember it for later ones."""
        started = [earlier for earlier in self.history if isinstance(earlier, Started)]
        self.history = [*started, update][-2:]
        for subscriber in self.subscribers:
            subscriber.updates.put_nowait(update)

    def cancel(self) -> None:
        """End the run in the engine."""
        if self.task is not None:
            self.task.cancel()


class _Subscriber:
    def __init__(self, run: _SharedRun) -> None:
        self.run = run
        self.updates: asyncio.Queue[Update] = asyncio.Queue()
        for update in run.history:
            self.updates.put_nowait(update)
