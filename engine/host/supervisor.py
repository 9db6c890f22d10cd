"""Keeps one worker alive: starts it, feeds it from the line, times its jobs out, starts it again when it died."""

import asyncio
import time
from collections.abc import Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from engine.core.errors import Broken, Cancelled, EngineDied, Sentence, TimedOut
from engine.core.job import Done, Failed, Progress, Queued, Started
from engine.core.protocol import Batch, Cancel, Held, Memory, Ready, Service
from engine.host.background import pause
from engine.host.durations import Times
from engine.host.job_handle import Ticket
from engine.host.process import Message, WorkerProcess
from engine.host.queue import Line

log = structlog.get_logger()

READY_SECONDS = 120.0
"""How long a worker may take to say Ready."""
HEEDED = 0.5
"""Seconds in which a worker should heed a cancel; then the person is told, though it still loads or shares a run."""
UNHEEDED = 60.0
"""Seconds that a worker may be silent after a cancel before it is ended as hung.

What cannot be interrupted needs most of them: loading the largest weights from a slow disk, a kernel's first compile,
a step on a CPU. Who cancelled was told long before, so this holds up those behind them alone.
"""
GRACE_SECONDS = 5.0
"""How long an overdue job may take to notice its cancel before its worker is killed."""
GIVE_UP = 3
"""Failed starts in a row after which nothing is hoped of a device."""
ATTEMPTS = 2
"""Runs that a job may have: one whose worker died twice is the likely cause."""


@dataclass(frozen=True)
class WorkerState:
    """One worker as `status` shows it. `why` is said where it is not ready; `services` outlive a restart."""

    device: str
    pid: int | None = None
    ready: bool = False
    why: Sentence | None = None
    running: tuple[str, ...] = ()
    memory: Memory | None = None
    services: tuple[Service, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    notes: tuple[Sentence, ...] = ()


class Keeper:
    """`known` is set once the worker is ready or has failed to start."""

    def __init__(self, device: str, arguments: list[str], timeout: float, line: Line, times: Times) -> None:
        self.device = device
        self.known = asyncio.Event()
        self._arguments = arguments
        self._timeout = timeout
        self._line = line
        self._times = times
        self._process: WorkerProcess | None = None
        self._ready: Ready | None = None
        self._memory: Memory | None = None
        self._why: Sentence | None = Sentence(template="It is starting.")
        self._tickets: dict[str, Ticket] = {}
        self._unanswered: set[str] = set()
        self._heard = 0.0
        self._said = asyncio.Event()
        self._idle = asyncio.Event()
        line.hoped.add(device)

    def state(self) -> WorkerState:
        return WorkerState(
            device=self.device,
            pid=self._process.pid if self._process else None,
            ready=self._why is None,
            why=self._why,
            running=tuple(self._tickets),
            memory=self._memory,
            services=self._ready.services if self._ready else (),
            versions=self._ready.versions if self._ready else {},
            notes=self._ready.notes if self._ready else (),
        )

    def usual(self, ticket: Ticket) -> float | None:
        """Device-seconds that the ticket should take here; None while nobody knows."""
        service = self._service(ticket.job.task)
        return self._times.usual(ticket.kind(service.model, self.device)) if service else None

    def cancel(self, job: str) -> bool:
        """End the running job if it is this one; the worker and its models stay, unless it hangs."""
        ticket = self._tickets.get(job)
        if ticket is None:
            return False
        ticket.cancelled = True
        loop = asyncio.get_running_loop()
        loop.call_later(HEEDED, ticket.put, Failed.of(Cancelled("Cancelled."), job))
        if self._process is not None:
            self._process.send(Cancel(job=job))
            loop.call_later(UNHEEDED, self._end_hung, job, self._process)
        return True

    def _end_hung(self, job: str, process: WorkerProcess) -> None:
        """End the worker that still holds a cancelled job; one that was heard meanwhile works for others."""
        if process is not self._process or job not in self._unanswered:
            return
        left = self._heard + UNHEEDED - time.monotonic()
        if left > 0:
            asyncio.get_running_loop().call_later(left, self._end_hung, job, process)
            return
        log.warning("worker hangs in a cancelled job and is ended", device=self.device, job=job)
        process.end_hung()

    async def keep(self) -> None:
        """Until cancelled. What nobody foresaw costs one worker: it is told in the log, and another one starts."""
        failures = 0
        while True:
            fault = await self._survive()
            failures = int(fault) if self._said.is_set() else failures + 1
            self._take_back()
            self.known.set()
            if failures >= GIVE_UP:
                self._give_up()
            await asyncio.sleep(pause(failures))

    async def _survive(self) -> bool:
        """One life of a worker. True if it was ended by a fault of the bot's own."""
        self._said, self._process = asyncio.Event(), None
        try:
            await self._live()
        except Exception:
            log.exception("worker given up by a fault of ours", device=self.device)
            self._why = Sentence(template="It was lost by a fault of ours and starts again. The log says more.")
            return True
        return False

    async def _live(self) -> None:
        """Until the worker has died. Raises what its feeding or its hearing raised, when it is gone."""
        process = self._process = await WorkerProcess.start(self._arguments)
        try:
            async with asyncio.TaskGroup() as duties:
                feeder = duties.create_task(self._feed(process))
                self._why = await self._listen(process)
                feeder.cancel()
            if not process.well:
                log.error("worker died", device=self.device, why=str(self._why))
        finally:
            self._line.devices.discard(self.device)
            await process.close()

    def _give_up(self) -> None:
        """Where no other device serves the line, whoever waits in it is told."""
        self._ready = None
        self._line.hoped.discard(self.device)
        if not self._line.hoped:
            self._line.dismiss(
                EngineDied("The engine cannot start; /status says why. Ask an admin to look at its log.")
            )

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
        self._heard = time.monotonic()
        match message:
            case Ready():
                self._ready, self._why = message, None
                self._line.devices.add(self.device)
                self._line.hoped.add(self.device)
                self._said.set()
                self.known.set()
            case Held():
                self._memory = message.memory
                if not self._unanswered:
                    self._idle.set()
            case _ if message.job not in self._tickets:
                log.warning("a worker told of a job that is not its own", device=self.device, job=message.job)
            case Done() | Failed():
                self._answered(self._tickets[message.job], message)
            case Started() | Progress() | Queued():
                self._tickets[message.job].put(message)

    def _answered(self, ticket: Ticket, answer: Done | Failed) -> None:
        self._unanswered.discard(ticket.job.id)
        ticket.put(answer)
        service = self._service(ticket.job.task)
        if isinstance(answer, Done) and service is not None and not self._unanswered:
            self._times.learn(ticket.kind(service.model, self.device), ticket.worked() / len(self._tickets))

    def _service(self, task: str) -> Service | None:
        services = self._ready.services if self._ready else ()
        return next((service for service in services if service.task == task), None)

    def _together(self, task: str) -> int:
        service = self._service(task)
        return service.together if service else 1

    def _resident(self) -> Collection[str]:
        return self._memory.models if self._memory else ()

    async def _feed(self, process: WorkerProcess) -> None:
        """Give the worker one job after the other."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._said.wait()
        except TimeoutError:
            process.kill()
            return
        while True:
            tickets = await self._line.take(self.device, self._resident, self._together)
            await self._run(tickets, process)
            self._tickets = {}

    async def _run(self, tickets: Sequence[Ticket], process: WorkerProcess) -> None:
        """Until the worker is free again."""
        self._tickets = {ticket.job.id: ticket for ticket in tickets}
        self._unanswered = set(self._tickets)
        self._idle.clear()
        begun = time.monotonic()
        try:
            for ticket in tickets:
                ticket.run(self.usual(ticket) if len(tickets) == 1 else None)
            process.send(tickets[0].order if len(tickets) == 1 else Batch(runs=tuple(each.order for each in tickets)))
            async with asyncio.timeout(self._timeout):
                await self._idle.wait()
        except TimeoutError:
            await self._end_overdue(process)
        finally:
            self._line.ended(self.device, time.monotonic() - begun)

    async def _end_overdue(self, process: WorkerProcess) -> None:
        limit = f"{self._timeout:g}"
        for job, ticket in self._tickets.items():
            if ticket.ended:
                continue
            log.warning("job timed out", job=job, user=ticket.job.user, seconds=limit)
            overdue = TimedOut("It took longer than {limit} s and was ended. Ask for less.", limit=limit)
            ticket.put(Failed.of(overdue, job))
            process.send(Cancel(job=job))
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            process.end_hung()
            await asyncio.Event().wait()

    def _take_back(self) -> None:
        """What was given to a worker that is gone."""
        tickets, self._tickets = self._tickets, {}
        for ticket in tickets.values():
            if ticket.ended:
                continue
            try:
                self._try_again(ticket)
            except Exception:
                log.exception("job lost by a fault of ours", job=ticket.job.id)
                ticket.put(Failed.of(Broken("The job was lost by a fault of ours. Ask for it again."), ticket.job.id))

    def _try_again(self, ticket: Ticket) -> None:
        """Once more if it has had a single run; else it is given up as the likely cause."""
        if ticket.cancelled:
            ticket.put(Failed.of(Cancelled("Cancelled."), ticket.job.id))
        elif ticket.attempt < ATTEMPTS:
            log.warning("job runs again", job=ticket.job.id, user=ticket.job.user)
            self._line.join(ticket)
        else:
            ticket.put(Failed.of(_poison(), ticket.job.id))


def _poison() -> EngineDied:
    return EngineDied("The engine died twice while it worked on this job, so it was given up. Try other options.")
