"""One run of a job inside the engine, and the stream of its updates."""

import asyncio
import time
from dataclasses import dataclass

from engine.core.errors import Cancelled
from engine.core.job import Done, Failed, Job, Progress, Queued, Update
from engine.core.protocol import Run
from engine.core.task import Task
from engine.host.durations import RunClass, seconds_left
from engine.host.scheduler import Waiting


@dataclass(frozen=True)
class WorkerDied:
    """The last update of a run whose worker has died. `bot.jobs.lifecycle` decides whether the job runs again."""

    #: The device of the worker.
    worker: str
    #: The number of the run.
    attempt: int


RunUpdate = Update | WorkerDied
"""What the engine says about a run."""


class JobHandle:
    """The state of a run in the engine. The first final update ends it, and later updates are dropped."""

    def __init__(self, job: Job, task: Task, attempt: int = 1) -> None:
        """Raises ValidationError if the job's parameters are not valid for `task`."""
        self.job = job
        #: Number of this run of the job, from 1.
        self.attempt = attempt
        #: Device-seconds that a run should take, if known.
        self.expected_seconds: float | None = None
        #: The last queue position that was emitted.
        self.last_position: Queued | None = None
        self.cancelled = False
        self.ended = False
        self._task = task
        self._params = job.parsed_params(task.params)
        self._working_since: float | None = None
        self._updates: asyncio.Queue[RunUpdate] = asyncio.Queue()

    @property
    def waiting(self) -> Waiting:
        """Return the job as the scheduler sees it.

        A job whose worker has died runs without a batch, so that no other job can be blamed or harmed.
        """
        batch = self._task.batch if self.attempt == 1 else None
        job = self.job
        return Waiting(
            id=job.id,
            user=job.user,
            cost=self.expected_seconds or job.cost,
            created=job.created,
            weight=job.weight,
            max_running=job.max_running,
            model=self._task.name if self._task.load else None,
            task=self._task.name,
            batch=batch.key(self._params) if batch else None,
        )

    @property
    def run_message(self) -> Run:
        """Return the message that makes a worker run the job."""
        return Run(job=self.job.id, task=self.job.task, params=self.job.params, attempt=self.attempt)

    def kind(self, model: str, device: str) -> RunClass:
        """Return the class of a run of this job with `model` on `device`, for estimates."""
        return RunClass(self.job.task, model, self._task.workload_class(self._params), device)

    def begin_run(self, expected: float | None) -> None:
        """Note that a worker has been given the job, which should take `expected` seconds there."""
        self.expected_seconds = expected
        self.last_position = None
        self._working_since = time.monotonic()

    def elapsed_seconds(self) -> float:
        """Return the seconds since the run began, not counting the time for loading models."""
        return 0.0 if self._working_since is None else time.monotonic() - self._working_since

    def seconds_left(self) -> float | None:
        """Return the seconds until the run should end, or None if that is unknown or already past."""
        left = None if self.expected_seconds is None else self.expected_seconds - self.elapsed_seconds()
        return left if left is not None and left >= 0 else None

    def emit(self, update: RunUpdate) -> None:
        """Append an update to the stream, unless the run has ended."""
        if not self.ended:
            self.ended = isinstance(update, Done | Failed | WorkerDied)
            self._updates.put_nowait(self._add_seconds_left(update) if isinstance(update, Progress) else update)

    def set_position(self, queued: Queued) -> None:
        """Emit the job's queue position if it has changed."""
        if self.last_position != queued:
            self.last_position = queued
            self.emit(queued)

    def worker_died(self, worker: str) -> None:
        """End the run because its worker has died. If the job was being cancelled, it is cancelled now."""
        cancelled = Failed.of(Cancelled("Cancelled."), self.job.id)
        self.emit(cancelled if self.cancelled else WorkerDied(worker, self.attempt))

    async def next(self) -> RunUpdate | None:
        """Wait for the next update and return it, or return None after the final one."""
        return None if self.ended and self._updates.empty() else await self._updates.get()

    def _add_seconds_left(self, progress: Progress) -> Progress:
        """Add the remaining seconds, except while loading: that time depends on what was loaded before."""
        if progress.stage == "loading":
            self._working_since = time.monotonic()
            return progress
        left = seconds_left(self.expected_seconds, progress.fraction, self.elapsed_seconds())
        return progress if left is None else progress.model_copy(update={"seconds_left": left})
