"""How jobs stand and how that changes: from the desk while they live there, else from their rows."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Any

from bot.adapters.web.errors import NotFound
from bot.adapters.web.job_tracker import Desk, Watch
from bot.adapters.web.session import Visitor
from bot.adapters.web.views import ENDED, Views
from bot.app import Studio

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it lives."""
PACE = 0.1
"""Seconds between two tellings; the newest state of each job wins."""
POLL = 1.0
"""Seconds between looks at the rows of jobs that the desk does not carry: from before a restart, or from a chat."""

State = dict[str, Any]


class Follow:
    """States of jobs, each as its visitor may see it."""

    def __init__(self, studio: Studio, desk: Desk, views: Views) -> None:
        self._studio = studio
        self._desk = desk
        self._views = views

    async def state(self, job: str, visitor: Visitor) -> State:
        """Raises NotFound for a job that is not there, and alike for one that is not this visitor's to see."""
        live = self._desk.newest(job)
        if live is not None and live[0] == visitor.user:
            return self._views.state(live[1], visitor)
        row = await self._studio.store.job(job)
        if row is None or (row.job.user != visitor.user and row.job.private):
            raise NotFound("There is no job {job}. /jobs lists yours.", job=job[:40])
        if row.outcome is not None:
            return self._views.state(row.outcome, visitor)
        return self._views.waiting(row, self._studio.flights.place(job), visitor)

    async def end(self, job: str, visitor: Visitor) -> State:
        """The last state of a job that was just ended, once that is written down."""
        with self._desk.watch(visitor.user, job) as watch:
            while (state := await self.state(job, visitor))["state"] not in ENDED:
                await watch.news(POLL)
        return state

    async def changes(self, visitor: Visitor, job: str | None = None) -> AsyncGenerator[list[State], None]:
        """What stands, then what changed since; empty after a silence. Of one job to its end, else of all live ones."""
        with self._desk.watch(visitor.user, job) as watch:
            told = {state["id"]: state for state in await self._standing(visitor, job)}
            yield list(told.values())
            over = job is not None and _ended(told.values())
            while not over:
                await asyncio.sleep(PACE)
                changed = [state for state in await self._fresh(visitor, watch, told) if told.get(state["id"]) != state]
                told |= {state["id"]: state for state in changed}
                over = watch.closed or (job is not None and _ended(changed))
                yield changed
                told = {each: state for each, state in told.items() if state["state"] not in ENDED}

    async def _standing(self, visitor: Visitor, job: str | None) -> list[State]:
        if job is not None:
            return [await self.state(job, visitor)]
        rows = await self._studio.store.jobs_of(visitor.user)
        return [await self.state(row.job.id, visitor) for row in rows]

    async def _fresh(self, visitor: Visitor, watch: Watch, told: Iterable[str]) -> list[State]:
        elsewhere = [job for job in told if self._desk.newest(job) is None]
        news = {update.job: update for update in await watch.news(POLL if elsewhere else HEARTBEAT)}
        rows = [await self.state(job, visitor) for job in elsewhere if job not in news]
        return [*(self._views.state(update, visitor) for update in news.values()), *rows]


def _ended(states: Iterable[State]) -> bool:
    return any(state["state"] in ENDED for state in states)
