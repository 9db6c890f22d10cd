"""Keeps one worker alive: starts it, feeds it from the line, times its jobs out, starts it again when it died."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from engine.errors import Cancelled, EngineDied, Sentence, TimedOut
from engine.job import Done, Failed, Progress, Queued, Started
from engine.line import Line
from engine.process import Message, WorkerProcess
from engine.ticket import Ticket
from engine.wire import Cancel, Held, Memory, Ready, Service

log = structlog.get_logger()

READY_SECONDS = 120.0
"""How long a worker may take to say Ready."""
GRACE_SECONDS = 5.0
"""How long an overdue job may take to notice its cancel before its worker is killed."""
PAUSES = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds before a start, by how many starts failed before it."""
GIVE_UP = 3
"""Failed starts in a row after which waiting people are told."""
ATTEMPTS = 2
"""Runs that a job may have: one whose worker died twice is the likely cause."""


@dataclass(frozen=True)
class WorkerState:
    """One worker as `status` shows it. `why` is said where it is not ready; `services` outlive a restart."""

    device: str
    pid: int | None = None
    ready: bool = False
    why: Sentence | None = None
    running: str | None = None
    memory: Memory | None = None
    services: tuple[Service, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)


class Keeper:
    """`known` is set once the worker is ready or has failed to start."""

    def __init__(self, device: str, arguments: list[str], timeout: float, line: Line) -> None:
        self.device = device
        self.known = asyncio.Event()
        self._arguments = arguments
        self._timeout = timeout
        self._line = line
        self._process: WorkerProcess | None = None
        self._ready: Ready | None = None
        self._memory: Memory | None = None
        self._why: Sentence | None = Sentence(template="It is starting.")
        self._ticket: Ticket | None = None
        self._said = asyncio.Event()
        self._idle = asyncio.Event()

    def state(self) -> WorkerState:
        return WorkerState(
            device=self.device,
            pid=self._process.pid if self._process else None,
            ready=self._why is None,
            why=self._why,
            running=self._ticket.job.id if self._ticket else None,
            memory=self._memory,
            services=self._ready.services if self._ready else (),
            versions=self._ready.versions if self._ready else {},
        )

    def cancel(self, job: str) -> bool:
        """End the running job if it is this one; the worker and its models stay."""
        if self._ticket is None or self._ticket.job.id != job or self._process is None:
            return False
        self._ticket.cancelled = True
        self._process.send(Cancel(job=job))
        return True

    async def keep(self) -> None:
        """Until cancelled."""
        failures = 0
        while True:
            failures = 0 if await self._live() else failures + 1
            self.known.set()
            if failures >= GIVE_UP:
                self._ready = None
                self._line.dismiss(
                    EngineDied("The engine cannot start; /status says why. Ask an admin to look at its log.")
                )
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])

    async def _live(self) -> bool:
        """One life of a worker. True if it became ready."""
        self._said, self._process = asyncio.Event(), await WorkerProcess.start(self._arguments)
        feeder = asyncio.create_task(self._feed())
        try:
            self._why = await self._listen(self._process)
            log.error("worker died", device=self.device, why=str(self._why))
        finally:
            feeder.cancel()
            await asyncio.wait([feeder])
            await self._process.close()
        await self._take_back()
        return self._said.is_set()

    async def _listen(self, process: WorkerProcess) -> Sentence:
        """Hear the worker until it dies, and say why it did."""
        try:
            async with aclosing(process.messages()) as messages:
                async for message in messages:
                    self._hear(message)
        except EngineDied as error:
            return error.sentence
        return await process.why()

    def _hear(self, message: Message) -> None:
        match message:
            case Ready():
                self._ready, self._why = message, None
                self._said.set()
                self.known.set()
            case Held():
                self._memory = message.memory
            case Started() | Progress() | Queued() if self._ticket:
                self._ticket.put(message)
            case Done() | Failed() if self._ticket:
                self._ticket.put(message)
                self._idle.set()

    async def _feed(self) -> None:
        """Give the worker one job after the other."""
        assert self._process is not None
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._said.wait()
        except TimeoutError:
            self._process.kill()
            return
        while True:
            self._ticket = await self._line.take()
            await self._run(self._ticket, self._process)
            self._ticket = None

    async def _run(self, ticket: Ticket, process: WorkerProcess) -> None:
        self._idle.clear()
        ticket.attempt += 1
        begun = time.monotonic()
        process.send(ticket.order)
        try:
            async with asyncio.timeout(self._timeout):
                await self._idle.wait()
        except TimeoutError:
            await self._end_overdue(ticket, process)
        finally:
            self._line.charge(ticket.job.user, time.monotonic() - begun)

    async def _end_overdue(self, ticket: Ticket, process: WorkerProcess) -> None:
        limit = f"{self._timeout:g}"
        log.warning("job timed out", job=ticket.job.id, user=ticket.job.user, seconds=limit)
        ticket.put(
            Failed.of(
                TimedOut("It took longer than {limit} s and was ended. Ask for less.", limit=limit), ticket.job.id
            )
        )
        process.send(Cancel(job=ticket.job.id))
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            process.kill()
            await asyncio.Event().wait()

    async def _take_back(self) -> None:
        """What becomes of the job whose worker died under it: once more, then given up as the likely cause."""
        ticket, self._ticket = self._ticket, None
        if ticket is None or ticket.ended:
            return
        if ticket.cancelled:
            ticket.put(Failed.of(Cancelled("Cancelled."), ticket.job.id))
        elif ticket.attempt < ATTEMPTS:
            log.warning("job runs again", job=ticket.job.id, user=ticket.job.user)
            ticket.place = 0
            await self._line.join(ticket)
        else:
            ticket.put(Failed.of(_poison(), ticket.job.id))


def _poison() -> EngineDied:
    return EngineDied("The engine died twice while it worked on this job, so it was given up. Try other options.")
