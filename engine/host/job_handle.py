"""A job on its way through the engine, and the updates that somebody waits for."""

import asyncio
import time

from engine.core.job import Done, Failed, Job, Progress, Queued, Update
from engine.core.protocol import Run
from engine.core.task import Task
from engine.host.durations import Kind, seconds_left
from engine.host.scheduler import Waiting


class Ticket:
    """`attempt` counts runs, `usual` is how many device-seconds it should take, `told` the last word on its wait.

    The first final update ends it; later ones are dropped.
    """

    def __init__(self, job: Job, task: Task) -> None:
        self.job = job
        self.attempt = 0
        self.usual: float | None = None
        self.told: Queued | None = None
        self.cancelled = False
        self.ended = False
        self._task = task
        self._params = task.params.model_validate(job.params)
        self._working: float | None = None
        self._updates: asyncio.Queue[Update] = asyncio.Queue()

    @property
    def waiting(self) -> Waiting:
        """As the schedule sees it. A job whose worker died runs alone, so that no other can be blamed or harmed."""
        batch = self._task.batch if not self.attempt else None
        job = self.job
        return Waiting(
            id=job.id,
            user=job.user,
            cost=self.usual or job.cost,
            created=job.created,
            weight=job.weight,
            at_once=job.at_once,
            model=self._task.name if self._task.load else None,
            task=self._task.name,
            batch=batch.key(self._params) if batch else None,
        )

    @property
    def order(self) -> Run:
        """What a worker is told."""
        return Run(job=self.job.id, task=self.job.task, params=self.job.params, attempt=self.attempt)

    def kind(self, model: str, device: str) -> Kind:
        return Kind(self.job.task, model, self._task.size(self._params), device)

    def run(self, usual: float | None) -> None:
        """It is given to a worker, on whose device it should take `usual` seconds."""
        self.attempt += 1
        self.usual = usual
        self.told = None
        self._working = time.monotonic()

    def worked(self) -> float:
        """Seconds since the run began, loading left out."""
        return 0.0 if self._working is None else time.monotonic() - self._working

    def left(self) -> float | None:
        """Seconds until the run should end; None where that is not known, or past."""
        left = None if self.usual is None else self.usual - self.worked()
        return left if left is not None and left >= 0 else None

    def put(self, update: Update) -> None:
        if not self.ended:
            self.ended = isinstance(update, Done | Failed)
            self._updates.put_nowait(self._timed(update) if isinstance(update, Progress) else update)

    def tell(self, queued: Queued) -> None:
        """Where it stands in line, if that is news."""
        if self.told != queued:
            self.told = queued
            self.put(queued)

    async def next(self) -> Update | None:
        """The next update; None after the last."""
        return None if self.ended and self._updates.empty() else await self._updates.get()

    def _timed(self, progress: Progress) -> Progress:
        """With what is left. How long loading takes depends on what was loaded before, so nothing is said of it."""
        if progress.stage == "loading":
            self._working = time.monotonic()
            return progress
        left = seconds_left(self.usual, progress.fraction, self.worked())
        return progress if left is None else progress.model_copy(update={"seconds_left": left})
