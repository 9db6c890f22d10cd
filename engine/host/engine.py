"""What the bot holds of the engine: lines of jobs, and a keeper for each worker."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import EngineDied, UserMessage
from engine.core.job import Job, Update
from engine.core.protocol import Capability
from engine.host.background import restart_forever, running_in_background
from engine.host.durations import DurationEstimator, RunClass
from engine.host.job_handle import JobHandle
from engine.host.queue import JobQueue, Mode, QueuePosition, RunningJob
from engine.host.supervisor import WorkerState, WorkerSupervisor
from engine.tasks.registry import TASKS

__all__ = ["Engine", "EngineState", "HostSettings", "Mode", "QueuePosition", "RunClass", "RunningJob"]


CPU_LANE = "cpu, quick tasks"
"""What the worker of the tasks that need no device is called."""


@dataclass(frozen=True)
class HostSettings:
    """Each of `devices` gets a worker. `memory` in bytes, `models` (task, name) pairs.

    `max_pixels` bounds a picture and a frame that a worker decodes. In seconds, `timeout` is what a job may take,
    `idle` after what time an unused model leaves. `beside` gives the tasks that need no device a worker of their own on
    the CPU, so that they wait behind no other.
    """

    devices: tuple[str, ...]
    folder: Path
    memory: int = 15_000_000_000
    timeout: float = 600.0
    idle: float = 600.0
    models: tuple[tuple[str, str], ...] = ()
    beside: bool = False
    noncommercial: bool = False
    max_pixels: int = 50_000_000

    def arguments(self, device: str, tasks: Sequence[str] = ()) -> list[str]:
        """The command line of a worker, of these `tasks` alone where some are named."""
        only = [part for task in tasks for part in ("--task", task)]
        chosen = [part for task, name in self.models for part in ("--model", f"{task}={name}")]
        bounds = ["--memory", str(self.memory), "--idle", str(self.idle), "--max-pixels", str(self.max_pixels)]
        accepted = ["--accept-noncommercial-weights"] if self.noncommercial else []
        return ["--device", device, "--folder", str(self.folder), *bounds, *accepted, *chosen, *only]


@dataclass(frozen=True)
class EngineState:
    """The workers, how many jobs wait for one, and whether they may start."""

    workers: tuple[WorkerState, ...]
    waiting: int
    mode: Mode = "open"


class Engine:
    """Use as `async with Engine.open(settings) as engine`. `times` is how long runs take.

    `line` is who waits for a device, `beside` who waits for the worker beside them.
    """

    def __init__(self, settings: HostSettings) -> None:
        self.times = DurationEstimator()
        self.line = JobQueue(self._expected_seconds)
        self.beside = JobQueue(self._expected_seconds) if settings.beside else self.line
        self._keepers = [
            WorkerSupervisor(device, settings.arguments(device), settings.timeout, self.line, self.times)
            for device in settings.devices
        ]
        if settings.beside:
            arguments = settings.arguments("cpu", [task.name for task in TASKS.values() if task.on_cpu])
            self._keepers.append(WorkerSupervisor(CPU_LANE, arguments, settings.timeout, self.beside, self.times))

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: HostSettings) -> AsyncIterator["Engine"]:
        """An engine whose workers are starting; when it closes they are told to stop, and killed if they do not."""
        engine = cls(settings)
        keeping = [restart_forever(f"worker on {each.device}", each.run_forever) for each in engine._keepers]
        telling = [restart_forever("places in line", queue.publish_positions) for queue in engine.queues]
        async with running_in_background(*keeping, *telling):
            yield engine

    async def submit(self, job: Job) -> AsyncGenerator[Update, None]:
        """The job's updates, to Done or Failed. Closing the iterator before that cancels exactly this job."""
        task = TASKS[job.task]
        handle = JobHandle(job, task)
        try:
            (self.beside if task.on_cpu else self.line).enqueue(handle)
            while (update := await handle.next()) is not None:
                yield update
        finally:
            if not handle.ended:
                self.cancel(job.id)

    def cancel(self, job: str) -> bool:
        """End exactly this job, waiting or running. False where there is no such job."""
        waiting = any(queue.cancel(job) for queue in self.queues)
        return waiting or any(supervisor.cancel(job) for supervisor in self._keepers)

    def bump(self, job: str) -> bool:
        """Let a waiting job go first. False where it does not wait."""
        return any(queue.bump(job) for queue in self.queues)

    @property
    def queues(self) -> tuple[JobQueue, ...]:
        return (self.line,) if self.beside is self.line else (self.line, self.beside)

    @property
    def mode(self) -> Mode:
        """Whether jobs start and whether new ones are taken, in every line."""
        return self.line.mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        for queue in self.queues:
            queue.mode = mode

    async def service(self, task: str) -> Capability:
        """Which backend does `task`. Waits while workers start that may know; raises EngineDied when none can."""
        starting = {
            asyncio.ensure_future(supervisor.first_outcome.wait())
            for supervisor in self._keepers
            if not supervisor.first_outcome.is_set()
        }
        try:
            while (found := self._service(task)) is None and starting:
                _, starting = await asyncio.wait(starting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in starting:
                each.cancel()
        if found is None:
            raise EngineDied(
                "The engine cannot start: {why} Ask an admin to look at the log.", why=self._start_failure()
            )
        return found

    def _service(self, task: str) -> Capability | None:
        services = (service for worker in self.state().workers for service in worker.services)
        return next((service for service in services if service.task == task), None)

    def queue_position(self, job: str) -> int | None:
        """From 1 in line; 0 while it runs; None where there is no such job."""
        if any(job in worker.running for worker in self.state().workers):
            return 0
        return next((place for queue in self.queues if (place := queue.position_of(job)) is not None), None)

    def state(self) -> EngineState:
        workers = tuple(supervisor.state() for supervisor in self._keepers)
        return EngineState(workers=workers, waiting=sum(map(len, self.queues)), mode=self.mode)

    def _expected_seconds(self, handle: JobHandle) -> float | None:
        """Device-seconds that the ticket should take on the worker that knows it best."""
        known = (supervisor.expected_seconds(handle) for supervisor in self._keepers)
        return next((seconds for seconds in known if seconds is not None), None)

    def _start_failure(self) -> str:
        reasons: list[UserMessage] = [worker.why for worker in self.state().workers if worker.why]
        return str(reasons[0]) if reasons else ""
