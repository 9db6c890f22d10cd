"""The line of waiting jobs: who is next is the schedule's word, and everybody hears of their place."""

import asyncio
import heapq
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Literal, NamedTuple

from engine.core.errors import Cancelled, EngineDied
from engine.core.job import Failed, Queued
from engine.host.durations import coarse
from engine.host.job_handle import Ticket
from engine.host.scheduler import Schedule, Together, Waiting

PLACES_EVERY = 0.25
"""Seconds between two tellings of everybody's place; more where a telling takes more than a twentieth of that."""
STARTS_EVERY = 5.0
"""Seconds after which the waits are told again though nobody moved."""

Mode = Literal["open", "paused", "draining"]
"""Whether jobs start and whether new ones are taken: both, only the second, only the first."""


class Standing(NamedTuple):
    """A waiting job. `place` counts from 1; `starts` is seconds until it should start, None where nobody can say."""

    job: str
    user: str
    command: str
    place: int
    waited: float
    starts: float | None


class Running(NamedTuple):
    """A running job, and for how many seconds it runs; loading is not counted."""

    job: str
    user: str
    command: str
    device: str
    seconds: float


@dataclass(frozen=True)
class _Run:
    """What a device does: the jobs as they were picked and charged, and their tickets."""

    picked: tuple[Waiting, ...]
    tickets: tuple[Ticket, ...]

    def left(self) -> float:
        """Seconds until the device should be free; infinity where that is not known."""
        left = [ticket.left() for ticket in self.tickets if not ticket.ended]
        return max((inf if each is None else each for each in left), default=0.0)


class Line:
    """Tickets that wait for a worker, and those that have one. `usual` says what a ticket should take.

    `devices` are ready for them, `hoped` are those that may be or become so.
    """

    def __init__(self, usual: Callable[[Ticket], float | None]) -> None:
        self.devices: set[str] = set()
        self.hoped: set[str] = set()
        self._mode: Mode = "open"
        self._usual = usual
        self._schedule = Schedule()
        self._waiting: dict[str, Ticket] = {}
        self._running: dict[str, _Run] = {}
        self._news = asyncio.Event()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, job: str) -> bool:
        return job in self._waiting

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        self._stir()

    def join(self, ticket: Ticket) -> None:
        """Wait in line, or wait again after a worker died. The first place is told at once."""
        ticket.usual = self._usual(ticket)
        self._waiting[ticket.job.id] = ticket
        self._schedule.join(ticket.waiting, time.time())
        for standing in self.standings():
            if standing.job == ticket.job.id:
                self._tell(standing)
                break
        self._stir()

    async def take(
        self, device: str, resident: Callable[[], Collection[str]], together: Together
    ) -> tuple[Ticket, ...]:
        """The next ticket for a device that holds the models `resident`, with those that share its run.

        `together` says of a task how many tickets may share a run on it.
        """
        while not (picked := self._pick(resident(), together)):
            self._news.clear()
            await self._news.wait()
        tickets = tuple(self._waiting.pop(job.id) for job in picked)
        self._running[device] = _Run(picked, tickets)
        self._changed.set()
        return tickets

    def _pick(self, resident: Collection[str], together: Together) -> tuple[Waiting, ...]:
        return () if self._mode == "paused" else self._schedule.pick(resident, time.time(), together)

    def ended(self, device: str, seconds: float) -> None:
        """What ran on `device` does not run any more; it had the device for `seconds`."""
        picked = self._running.pop(device).picked
        for job in picked:
            self._schedule.ended(job, job.cost / len(picked), seconds / len(picked), time.time())
        self._stir()

    def charge(self, user: str, seconds: float, at: float) -> None:
        """Remember that `user` had a device for `seconds` until the Unix time `at`, as after a restart."""
        self._schedule.charge(user, seconds, at)

    def cancel(self, job: str) -> bool:
        """End a waiting job. False where it does not wait."""
        ticket = self._waiting.pop(job, None)
        if ticket is not None:
            self._schedule.leave(job, time.time())
            ticket.put(Failed.of(Cancelled("Cancelled."), job))
            self._changed.set()
        return ticket is not None

    def bump(self, job: str) -> bool:
        """Let a waiting job go first. False where it does not wait."""
        bumped = self._schedule.bump(job, time.time())
        self._stir()
        return bumped

    def dismiss(self, error: EngineDied) -> None:
        """Tell everybody in line that nobody can serve them."""
        for job, ticket in self._waiting.items():
            self._schedule.leave(job, time.time())
            ticket.put(Failed.of(error, job))
        self._waiting.clear()

    def place(self, job: str) -> int | None:
        """From 1, as last told; None where the job does not wait."""
        ticket = self._waiting.get(job)
        return ticket.told.place if ticket and ticket.told else None

    def standings(self) -> Iterator[Standing]:
        """Who waits, the next to run first."""
        now = time.time()
        free = self._free()
        devices = len(free)
        for place, waiting in enumerate(self._schedule.order(now, max(devices, 1)), start=1):
            job = self._waiting[waiting.id].job
            start = self._start(waiting, free)
            fits = waiting.at_once is None or waiting.at_once >= devices
            starts = coarse(start) if fits and start < inf else None
            yield Standing(job.id, job.user, job.command, place, max(now - job.created, 0.0), starts)

    def running(self) -> list[Running]:
        """What has a device."""
        return [
            Running(ticket.job.id, ticket.job.user, ticket.job.command, device, ticket.worked())
            for device, run in self._running.items()
            for ticket in run.tickets
            if not ticket.ended
        ]

    async def tell_places(self) -> None:
        """Tell whoever moved up, for as long as the line is open."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(STARTS_EVERY):
                    await self._changed.wait()
            begun = time.monotonic()
            self._schedule.forget(time.time())
            for standing in self.standings():
                self._tell(standing)
            self._changed.clear()
            await asyncio.sleep(max(PLACES_EVERY, 20 * (time.monotonic() - begun)))

    def _free(self) -> list[float]:
        """Seconds until each device should be free, as a heap; none where jobs do not start."""
        if self._mode == "paused":
            return []
        return sorted(self._running[device].left() if device in self._running else 0.0 for device in self.devices)

    def _start(self, waiting: Waiting, free: list[float]) -> float:
        """When the job should start, which then takes its device; infinity where that is not known.

        What its kind takes may have been learned while it waited.
        """
        if not free:
            return inf
        start = free[0]
        usual = self._usual(self._waiting[waiting.id])
        heapq.heapreplace(free, inf if usual is None else start + usual)
        return start

    def _tell(self, standing: Standing) -> None:
        paused = self._mode == "paused"
        queued = Queued(job=standing.job, place=standing.place, seconds_left=standing.starts, paused=paused)
        self._waiting[standing.job].tell(queued)

    def _stir(self) -> None:
        self._news.set()
        self._changed.set()
