"""Let identical jobs share one run. The first job starts it, later ones subscribe, and it ends with the last one."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, contextmanager

import structlog

from engine.core.errors import AtelierError, Broken, Cancelled
from engine.core.job import Failed, Job, Paused, Started, Update
from engine.host.engine import Engine
from engine.host.job_handle import RunUpdate, WorkerDied

log = structlog.get_logger()


class JobCoalescer:
    """Maps active jobs to shared runs: subscriptions by job id, runs by `Job.shared_key`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runs: dict[str, _SharedRun] = {}
        self._subscriptions: dict[str, Subscription] = {}

    def __len__(self) -> int:
        return len(self._subscriptions)

    def queue_position(self, job: str) -> int | None:
        """Return the job's position in the queue from 1, 0 while it runs, or None if it is not active."""
        run = self.run_id_of(job)
        return self._engine.queue_position(run) if run else None

    def run_id_of(self, job: str) -> str | None:
        """Return the id under which the engine knows the job's run, which is the id of the first identical job."""
        subscription = self._subscriptions.get(job)
        return subscription.run.job.id if subscription else None

    @contextmanager
    def subscribe(self, job: Job, attempt: int = 1) -> Iterator["Subscription"]:
        """Return a context with the updates of the job. Run number `attempt` starts, unless an identical job runs.

        Leaving the context detaches only this job.
        """
        subscription = self._attach(job, attempt)
        try:
            yield subscription
        finally:
            self._detach(job, subscription)

    def cancel(self, job: str) -> bool:
        """End this job and no other. Returns False if it is not active."""
        return self._notify(job, Failed.of(Cancelled("Cancelled."), job))

    def pause(self) -> None:
        """Pause every job, so that a later process continues it."""
        for job in list(self._subscriptions):
            self._notify(job, Paused(job=job))

    def _notify(self, job: str, last: Update) -> bool:
        subscription = self._subscriptions.get(job)
        if subscription is not None:
            subscription.updates.put_nowait(last)
        return subscription is not None

    def _attach(self, job: Job, attempt: int) -> "Subscription":
        run = self._runs.get(job.shared_key)
        if run is None:
            run = self._runs[job.shared_key] = _SharedRun(job, attempt)
            run.task = asyncio.create_task(self._drive(run))
        elif run.died is not None:
            run.start_again(run.died)
        subscription = self._subscriptions[job.id] = Subscription(job.id, run)
        run.subscriptions.append(subscription)
        return subscription

    def _detach(self, job: Job, subscription: "Subscription") -> None:
        del self._subscriptions[job.id]
        subscription.run.subscriptions.remove(subscription)
        if not subscription.run.subscriptions and self._runs.get(job.shared_key) is subscription.run:
            del self._runs[job.shared_key]
            subscription.run.cancel()

    async def _drive(self, run: "_SharedRun") -> None:
        """Publish the run's updates. A job that the engine refuses fails like any other."""
        try:
            while True:
                last = await self._publish_attempt(run)
                if not isinstance(last, WorkerDied):
                    return
                await run.wanted.wait()
        except AtelierError as error:
            run.publish(Failed.of(error))
        except Exception:  # publish a failure whatever it was; the next identical job starts a new run
            log.exception("the engine did not accept a job", job=run.job.id, task=run.job.task)
            run.publish(Failed.of(Broken("Something went wrong on our side. Try again, or try other options.")))
        finally:
            if self._runs.get(run.job.shared_key) is run:
                del self._runs[run.job.shared_key]

    async def _publish_attempt(self, run: "_SharedRun") -> RunUpdate | None:
        """Publish the updates of one attempt, and return the last one."""
        last: RunUpdate | None = None
        async with aclosing(self._engine.submit(run.job, run.attempt)) as updates:
            async for last in updates:
                run.publish(last)
        return last


class Subscription:
    """The updates of one job, in the order in which they came."""

    def __init__(self, job: str, run: "_SharedRun") -> None:
        self.run = run
        self.updates: asyncio.Queue[RunUpdate] = asyncio.Queue()
        self._job = job
        for update in run.history:
            self.updates.put_nowait(update)

    async def next(self) -> RunUpdate:
        """Wait for the next update and return it. Done, Failed and Paused are the last ones."""
        update = await self.updates.get()
        return update if isinstance(update, WorkerDied) else update.model_copy(update={"job": self._job})

    def run_again(self, died: WorkerDied) -> None:
        """Start the run again after the update `died`, unless an identical job has already done so."""
        self.run.start_again(died)


class _SharedRun:
    """One run in the engine. Late subscribers get its Started update and its newest one."""

    def __init__(self, job: Job, attempt: int) -> None:
        self.job = job
        self.attempt = attempt
        self.subscriptions: list[Subscription] = []
        self.task: asyncio.Task[None] | None = None
        self.history: list[Update] = []
        #: How the last attempt ended, while no subscriber has asked for another one.
        self.died: WorkerDied | None = None
        #: Set once a subscriber has asked for another attempt.
        self.wanted = asyncio.Event()

    def publish(self, update: RunUpdate) -> None:
        """Send the update to every subscriber, and remember it for later ones."""
        if isinstance(update, WorkerDied):
            self.died, self.history = update, []
            self.wanted.clear()
        else:
            started = [earlier for earlier in self.history if isinstance(earlier, Started)]
            self.history = [*started, update][-2:]
        for subscription in self.subscriptions:
            subscription.updates.put_nowait(update)

    def start_again(self, died: WorkerDied) -> None:
        """Begin the attempt that follows `died`, unless it has begun already."""
        if self.died == died:
            self.died = None
            self.attempt += 1
            self.wanted.set()

    def cancel(self) -> None:
        """End the run in the engine."""
        if self.task is not None:
            self.task.cancel()
