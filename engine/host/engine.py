"""The engine as the bot uses it: job queues, and a supervisor for each worker."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.core.errors import EngineDied, UserMessage
from engine.core.job import Job
from engine.core.protocol import Capability
from engine.host.background import restart_forever, running_in_background
from engine.host.durations import DurationEstimator, RunClass
from engine.host.job_handle import JobHandle, RunUpdate
from engine.host.queue import JobQueue, Mode, QueuePosition, RunningJob
from engine.host.settings import HostSettings
from engine.host.supervisor import WorkerSupervisor
from engine.host.worker_state import WorkerState
from engine.tasks.registry import TASKS

__all__ = ["Engine", "EngineState", "HostSettings", "JobQueue", "Mode", "QueuePosition", "RunClass", "RunningJob"]


CPU_LANE = "cpu, quick tasks"
"""The device name of the worker for tasks that need no device."""


@dataclass(frozen=True)
class EngineState:
    """A snapshot of the engine."""

    workers: tuple[WorkerState, ...]
    #: Number of queued jobs.
    waiting: int
    mode: Mode = "open"


class Engine:
    """Runs jobs on workers. Use as `async with Engine.open(settings) as engine`."""

    def __init__(self, settings: HostSettings) -> None:
        """Prepare queues and supervisors without starting a worker."""
        #: How long runs take.
        self.durations = DurationEstimator()
        #: The jobs that need a device.
        self.device_queue = JobQueue(self._expected_seconds)
        #: The jobs that need no device. The same queue if these have no worker of their own.
        self.cpu_queue = JobQueue(self._expected_seconds) if settings.cpu_lane else self.device_queue
        self._supervisors = [
            WorkerSupervisor(device, settings.for_worker(device), settings.timeout, self.device_queue, self.durations)
            for device in settings.devices
        ]
        if settings.cpu_lane:
            worker = settings.for_worker("cpu", [task.name for task in TASKS.values() if task.on_cpu])
            self._supervisors.append(
                WorkerSupervisor(CPU_LANE, worker, settings.timeout, self.cpu_queue, self.durations)
            )

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: HostSettings) -> AsyncIterator["Engine"]:
        """Start the workers. On exit ask them to stop, and kill those that do not."""
        engine = cls(settings)
        workers = [restart_forever(f"worker on {each.device}", each.run_forever) for each in engine._supervisors]
        positions = [restart_forever("queue positions", queue.publish_positions) for queue in engine.queues]
        async with running_in_background(*workers, *positions):
            yield engine

    async def submit(self, job: Job, attempt: int = 1) -> AsyncGenerator[RunUpdate, None]:
        """Queue run number `attempt` of a job and yield its updates up to Done, Failed or WorkerDied.

        The engine never runs a job twice by itself. Closing the iterator before its end cancels the run.
        """
        task = TASKS[job.task]
        handle = JobHandle(job, task, attempt)
        try:
            (self.cpu_queue if task.on_cpu else self.device_queue).enqueue(handle)
            while (update := await handle.next()) is not None:
                yield update
        finally:
            if not handle.ended:
                self.cancel(job.id)

    def cancel(self, job: str) -> bool:
        """Cancel a queued or running job. Returns False if there is no such job."""
        was_queued = any(queue.cancel(job) for queue in self.queues)
        return was_queued or any(supervisor.cancel(job) for supervisor in self._supervisors)

    def bump(self, job: str) -> bool:
        """Move a queued job to the front. Returns False if it is not queued."""
        return any(queue.bump(job) for queue in self.queues)

    @property
    def queues(self) -> tuple[JobQueue, ...]:
        """Return the distinct queues."""
        return (self.device_queue,) if self.cpu_queue is self.device_queue else (self.device_queue, self.cpu_queue)

    @property
    def mode(self) -> Mode:
        """Return whether jobs start and whether new ones are accepted. Setting it changes every queue."""
        return self.device_queue.mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        for queue in self.queues:
            queue.mode = mode

    async def service(self, task: str) -> Capability:
        """Return the backend that does `task`, waiting for workers that are starting. Raises EngineDied if none can."""
        starting = {
            asyncio.ensure_future(supervisor.first_outcome.wait())
            for supervisor in self._supervisors
            if not supervisor.first_outcome.is_set()
        }
        try:
            while (capability := self._service(task)) is None and starting:
                _, starting = await asyncio.wait(starting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in starting:
                waiter.cancel()
        if capability is None:
            raise EngineDied("The engine cannot start: {why} Ask an admin to check the log.", why=self._start_failure())
        return capability

    def _service(self, task: str) -> Capability | None:
        services = (service for worker in self.state().workers for service in worker.services)
        return next((service for service in services if service.task == task), None)

    def queue_position(self, job: str) -> int | None:
        """Return the job's position in its queue from 1, 0 if it is running, or None if there is no such job."""
        if any(job in worker.running for worker in self.state().workers):
            return 0
        return next((place for queue in self.queues if (place := queue.position_of(job)) is not None), None)

    def state(self) -> EngineState:
        """Return a snapshot of workers and queues."""
        workers = tuple(supervisor.state() for supervisor in self._supervisors)
        return EngineState(workers=workers, waiting=sum(map(len, self.queues)), mode=self.mode)

    def _expected_seconds(self, handle: JobHandle) -> float | None:
        """Return the device-seconds the job should take on the first worker that has an estimate, or None."""
        estimates = (supervisor.expected_seconds(handle) for supervisor in self._supervisors)
        return next((seconds for seconds in estimates if seconds is not None), None)

    def _start_failure(self) -> str:
        reasons: list[UserMessage] = [worker.why for worker in self.state().workers if worker.why]
        return str(reasons[0]) if reasons else ""
