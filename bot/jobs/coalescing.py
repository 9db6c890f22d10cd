"""Identical jobs share one run: the first starts it, the others ride along, the last one off ends it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from engine.core.errors import AtelierError, Broken, Cancelled
from engine.core.job import Done, Failed, Job, Paused, Started, Update
from engine.host.engine import Engine

log = structlog.get_logger()


class JobCoalescer:
    """Jobs in the air by id, runs by key."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runs: dict[str, _SharedRun] = {}
        self._subscribers: dict[str, _Subscriber] = {}

    def __len__(self) -> int:
        return len(self._subscribers)

    def queue_position(self, job: str) -> int | None:
        """From 1 in line, 0 while it runs, None where there is no such job."""
        subscriber = self._subscribers.get(job)
        return self._engine.queue_position(subscriber.run.job.id) if subscriber else None

    def run_id_of(self, job: str) -> str | None:
        """The id under which the engine knows this job's run: that of the first who asked for it."""
        subscriber = self._subscribers.get(job)
        return subscriber.run.job.id if subscriber else None

    async def subscribe(self, job: Job) -> AsyncGenerator[Update, None]:
        """The job's updates to Done, Failed or Paused. Closing it gets this job off; the others stay in the air."""
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
        """End exactly this job. False where it is not in the air."""
        return self._notify(job, Failed.of(Cancelled("Cancelled."), job))

    def pause(self) -> None:
        """Let every job off, to go on in a later run of the studio."""
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
        """A job that the engine cannot even take, as one from before an update may be, fails like any other."""
        try:
            async with aclosing(self._engine.submit(run.job)) as updates:
                async for update in updates:
                    run.publish(update)
        except AtelierError as error:
            run.publish(Failed.of(error))
        except Exception:  # whatever it is, those who wait are told, and the next who asks starts a run anew
            log.exception("the engine did not take a job", job=run.job.id, task=run.job.task)
            run.publish(Failed.of(Broken("The task failed by a fault of ours. It is in the log; try other options.")))
        finally:
            if self._runs.get(run.job.key) is run:
                del self._runs[run.job.key]


class _SharedRun:
    """One run in the engine. Whoever boards late hears that it started, and the newest update."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.subscribers: list[_Subscriber] = []
        self.task: asyncio.Task[None] | None = None
        self.history: list[Update] = []

    def publish(self, update: Update) -> None:
        self.history = [*(told for told in self.history if isinstance(told, Started)), update][-2:]
        for subscriber in self.subscribers:
            subscriber.updates.put_nowait(update)

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()


class _Subscriber:
    def __init__(self, run: _SharedRun) -> None:
        self.run = run
        self.updates: asyncio.Queue[Update] = asyncio.Queue()
        for update in run.history:
            self.updates.put_nowait(update)
