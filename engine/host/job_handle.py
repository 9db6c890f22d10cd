"""A job on its way through the engine, and the updates that somebody waits for."""

import asyncio
import time

from engine.core.job import Done, Failed, Job, Progress, Queued, Update
from engine.core.protocol import Run
from engine.core.task import Task
from engine.host.durations import RunClass, seconds_left
from engine.host.scheduler import Waiting


class JobHandle:
    """`attempt` counts runs, `expected_seconds` is how many device-seconds it should take, `last_position` the last
    word on its wait.

    The first final update ends it; later ones are dropped.
    """

    def __init__(self, job: Job, task: Task) -> None:
        self.job = job
        self.attempt = 0
        self.expected_seconds: float | None = None
        self.last_position: Queued | None = None
        self.cancelled = False
        self.ended = False
        self._task = task
        self._params = task.params.model_validate(job.params)
        self._working_since: float | None = None
        self._updates: asyncio.Queue[Update] = asyncio.Queue()

    @property
    def waiting(self) -> Waiting:
        """As the schedule sees it. A job whose worker died runs alone, so that no other can be blamed or harmed."""
        batch = self._task.batch if not self.attempt else None
        job = self.job
        return Waiting(
            id=job.id,
            user=job.user,
            cost=self.expected_seconds or job.cost,
            created=job.created,
            weight=job.weight,
            at_once=job.at_once,
            model=self._task.name if self._task.load else None,
            task=self._task.name,
            batch=batch.key(self._params) if batch else None,
        )

    @property
    def run_message(self) -> Run:
        """What a worker is told."""
        return Run(job=self.job.id, task=self.job.task, params=self.job.params, attempt=self.attempt)

    def kind(self, model: str, device: str) -> RunClass:
        return RunClass(self.job.task, model, self._task.workload_class(self._params), device)

    def begin_run(self, expected: float | None) -> None:
        """It is given to a worker, on whose device it should take `expected` seconds."""
        self.attempt += 1
        self.expected_seconds = expected
        self.last_position = None
        self._working_since = time.monotonic()

    def elapsed_seconds(self) -> float:
        """Seconds since the run began, loading left out."""
        return 0.0 if self._working_since is None else time.monotonic() - self._working_since

    def seconds_left(self) -> float | None:
        """Seconds until the run should end; None where that is not known, or past."""
        left = None if self.expected_seconds is None else self.expected_seconds - self.elapsed_seconds()
        return left if left is not None and left >= 0 else None

    def emit(self, update: Update) -> None:
        if not self.ended:
            self.ended = isinstance(update, Done | Failed)
            self._updates.put_nowait(self._add_seconds_left(update) if isinstance(update, Progress) else update)

    def set_position(self, queued: Queued) -> None:
        """Where it stands in line, if that is news."""
        if self.last_position != queued:
            self.last_position = queued
            self.emit(queued)

    async def next(self) -> Update | None:
        """The next update; None after the last."""
        return None if self.ended and self._updates.empty() else await self._updates.get()

    def _add_seconds_left(self, progress: Progress) -> Progress:
        """With what is left. How long loading takes depends on what was loaded before, so nothing is said of it."""
        if progress.stage == "loading":
            self._working_since = time.monotonic()
            return progress
        left = seconds_left(self.expected_seconds, progress.fraction, self.elapsed_seconds())
        return progress if left is None else progress.model_copy(update={"seconds_left": left})
