"""What the bot holds of the engine: lines of jobs, and a keeper for each worker."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import EngineDied, Sentence
from engine.core.job import Job, Update
from engine.core.protocol import Service
from engine.host.background import beside, lasting
from engine.host.durations import Kind, Times
from engine.host.job_handle import Ticket
from engine.host.queue import Line, Mode, Running, Standing
from engine.host.supervisor import Keeper, WorkerState
from engine.tasks.registry import TASKS

__all__ = ["Engine", "EngineState", "HostSettings", "Kind", "Mode", "Running", "Standing"]


BESIDE = "cpu, quick tasks"
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
        self.times = Times()
        self.line = Line(self._usual)
        self.beside = Line(self._usual) if settings.beside else self.line
        self._keepers = [
            Keeper(device, settings.arguments(device), settings.timeout, self.line, self.times)
            for device in settings.devices
        ]
        if settings.beside:
            arguments = settings.arguments("cpu", [task.name for task in TASKS.values() if task.beside])
            self._keepers.append(Keeper(BESIDE, arguments, settings.timeout, self.beside, self.times))

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: HostSettings) -> AsyncIterator["Engine"]:
        """An engine whose workers are starting; when it closes they are told to stop, and killed if they do not."""
        engine = cls(settings)
        keeping = [lasting(f"worker on {each.device}", each.keep) for each in engine._keepers]
        telling = [lasting("places in line", line.tell_places) for line in engine.lines]
        async with beside(*keeping, *telling):
            yield engine

    async def submit(self, job: Job) -> AsyncGenerator[Update, None]:
        """The job's updates, to Done or Failed. Closing the iterator before that cancels exactly this job."""
        task = TASKS[job.task]
        ticket = Ticket(job, task)
        try:
            (self.beside if task.beside else self.line).join(ticket)
            while (update := await ticket.next()) is not None:
                yield update
        finally:
            if not ticket.ended:
                self.cancel(job.id)

    def cancel(self, job: str) -> bool:
        """End exactly this job, waiting or running. False where there is no such job."""
        waiting = any(line.cancel(job) for line in self.lines)
        return waiting or any(keeper.cancel(job) for keeper in self._keepers)

    def bump(self, job: str) -> bool:
        """Let a waiting job go first. False where it does not wait."""
        return any(line.bump(job) for line in self.lines)

    @property
    def lines(self) -> tuple[Line, ...]:
        return (self.line,) if self.beside is self.line else (self.line, self.beside)

    @property
    def mode(self) -> Mode:
        """Whether jobs start and whether new ones are taken, in every line."""
        return self.line.mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        for line in self.lines:
            line.mode = mode

    async def service(self, task: str) -> Service:
        """Which backend does `task`. Waits while workers start that may know; raises EngineDied when none can."""
        starting = {asyncio.ensure_future(keeper.known.wait()) for keeper in self._keepers if not keeper.known.is_set()}
        try:
            while (found := self._service(task)) is None and starting:
                _, starting = await asyncio.wait(starting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in starting:
                each.cancel()
        if found is None:
            raise EngineDied("The engine cannot start: {why} Ask an admin to look at the log.", why=self._why())
        return found

    def _service(self, task: str) -> Service | None:
        services = (service for worker in self.state().workers for service in worker.services)
        return next((service for service in services if service.task == task), None)

    def place(self, job: str) -> int | None:
        """From 1 in line; 0 while it runs; None where there is no such job."""
        if any(job in worker.running for worker in self.state().workers):
            return 0
        return next((place for line in self.lines if (place := line.place(job)) is not None), None)

    def state(self) -> EngineState:
        workers = tuple(keeper.state() for keeper in self._keepers)
        return EngineState(workers=workers, waiting=sum(map(len, self.lines)), mode=self.mode)

    def _usual(self, ticket: Ticket) -> float | None:
        """Device-seconds that the ticket should take on the worker that knows it best."""
        known = (keeper.usual(ticket) for keeper in self._keepers)
        return next((seconds for seconds in known if seconds is not None), None)

    def _why(self) -> str:
        reasons: list[Sentence] = [worker.why for worker in self.state().workers if worker.why]
        return str(reasons[0]) if reasons else ""
