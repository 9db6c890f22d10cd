"""The line of waiting jobs: who is next is the schedule's word, and everybody hears of their place."""

import asyncio

from engine import schedule
from engine.errors import Cancelled, EngineDied
from engine.job import Failed, Queued
from engine.ticket import Ticket
from engine.usage import Usage

PLACES_EVERY = 0.25
"""Seconds between two tellings of everybody's place."""


class Line:
    """Tickets that wait for a worker."""

    def __init__(self) -> None:
        self._waiting: dict[str, Ticket] = {}
        self._usage = Usage()
        self._joined = asyncio.Condition()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, job: str) -> bool:
        return job in self._waiting

    async def join(self, ticket: Ticket) -> None:
        """Wait in line, or wait again after a worker died. The first place is told at once."""
        self._waiting[ticket.job.id] = ticket
        self._tell()
        async with self._joined:
            self._joined.notify()

    async def take(self) -> Ticket:
        """The next ticket, as soon as there is one."""
        async with self._joined:
            await self._joined.wait_for(lambda: self._waiting)
            chosen = schedule.pick((ticket.waiting for ticket in self._waiting.values()), self._usage.lately())
            assert chosen is not None
            self._changed.set()
            return self._waiting.pop(chosen.id)

    def charge(self, user: str, seconds: float) -> None:
        """Remember that `user` had a device for `seconds`."""
        self._usage.add(user, seconds)

    def cancel(self, job: str) -> bool:
        """End a waiting job. False where it does not wait."""
        ticket = self._waiting.pop(job, None)
        if ticket is not None:
            ticket.put(Failed.of(Cancelled("Cancelled."), job))
            self._changed.set()
        return ticket is not None

    def dismiss(self, error: EngineDied) -> None:
        """Tell everybody in line that nobody can serve them."""
        for job, ticket in self._waiting.items():
            ticket.put(Failed.of(error, job))
        self._waiting.clear()

    def place(self, job: str) -> int | None:
        """From 1, as last told; None where the job does not wait."""
        ticket = self._waiting.get(job)
        return ticket.place if ticket else None

    async def tell_places(self) -> None:
        """Tell whoever moved up, for as long as the line is open."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(PLACES_EVERY)
            self._changed.clear()
            self._tell()

    def _tell(self) -> None:
        jobs = schedule.order((ticket.waiting for ticket in self._waiting.values()), self._usage.lately())
        for place, job in enumerate(jobs, start=1):
            ticket = self._waiting[job.id]
            if ticket.place != place:
                ticket.place = place
                ticket.put(Queued(job=job.id, place=place))
