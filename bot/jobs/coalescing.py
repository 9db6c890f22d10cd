"""Identical jobs share one run: the first starts it, the others ride along, the last one off ends it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from engine.core.errors import AtelierError, Broken, Cancelled
from engine.core.job import Done, Failed, Job, Paused, Started, Update
from engine.host.engine import Engine

log = structlog.get_logger()


class Flights:
    """Jobs in the air by id, runs by key."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runs: dict[str, _Run] = {}
        self._riders: dict[str, _Rider] = {}

    def __len__(self) -> int:
        return len(self._riders)

    def place(self, job: str) -> int | None:
        """From 1 in line, 0 while it runs, None where there is no such job."""
        rider = self._riders.get(job)
        return self._engine.place(rider.run.job.id) if rider else None

    def run_of(self, job: str) -> str | None:
        """The id under which the engine knows this job's run: that of the first who asked for it."""
        rider = self._riders.get(job)
        return rider.run.job.id if rider else None

    async def ride(self, job: Job) -> AsyncGenerator[Update, None]:
        """The job's updates to Done, Failed or Paused. Closing it gets this job off; the others stay in the air."""
        rider = self._board(job)
        try:
            while True:
                update = await rider.updates.get()
                yield update.model_copy(update={"job": job.id})
                if isinstance(update, Done | Failed | Paused):
                    return
        finally:
            self._leave(job, rider)

    def cancel(self, job: str) -> bool:
        """End exactly this job. False where it is not in the air."""
        return self._tell(job, Failed.of(Cancelled("Cancelled."), job))

    def pause(self) -> None:
        """Let every job off, to go on in a later run of the studio."""
        for job in list(self._riders):
            self._tell(job, Paused(job=job))

    def _tell(self, job: str, last: Update) -> bool:
        rider = self._riders.get(job)
        if rider is not None:
            rider.updates.put_nowait(last)
        return rider is not None

    def _board(self, job: Job) -> "_Rider":
        run = self._runs.get(job.key)
        if run is None:
            run = self._runs[job.key] = _Run(job)
            run.task = asyncio.create_task(self._fly(run))
        rider = self._riders[job.id] = _Rider(run)
        run.riders.append(rider)
        return rider

    def _leave(self, job: Job, rider: "_Rider") -> None:
        del self._riders[job.id]
        rider.run.riders.remove(rider)
        if not rider.run.riders and self._runs.get(job.key) is rider.run:
            del self._runs[job.key]
            rider.run.cancel()

    async def _fly(self, run: "_Run") -> None:
        """A job that the engine cannot even take, as one from before an update may be, fails like any other."""
        try:
            async with aclosing(self._engine.submit(run.job)) as updates:
                async for update in updates:
                    run.tell(update)
        except AtelierError as error:
            run.tell(Failed.of(error))
        except Exception:  # whatever it is, those who wait are told, and the next who asks starts a run anew
            log.exception("the engine did not take a job", job=run.job.id, task=run.job.task)
            run.tell(Failed.of(Broken("The task failed by a fault of ours. It is in the log; try other options.")))
        finally:
            if self._runs.get(run.job.key) is run:
                del self._runs[run.job.key]


class _Run:
    """One run in the engine. Whoever boards late hears that it started, and the newest update."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.riders: list[_Rider] = []
        self.task: asyncio.Task[None] | None = None
        self.so_far: list[Update] = []

    def tell(self, update: Update) -> None:
        self.so_far = [*(told for told in self.so_far if isinstance(told, Started)), update][-2:]
        for rider in self.riders:
            rider.updates.put_nowait(update)

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()


class _Rider:
    def __init__(self, run: _Run) -> None:
        self.run = run
        self.updates: asyncio.Queue[Update] = asyncio.Queue()
        for update in run.so_far:
            self.updates.put_nowait(update)
