"""How jobs stand and how that changes: from the desk while they live there, else from their rows."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Any

from bot.adapters.web.errors import NotFound
from bot.adapters.web.job_tracker import JobSubscription, JobTracker
from bot.adapters.web.session import Client
from bot.adapters.web.views import ENDED, Views
from bot.app import AppContext

HEARTBEAT_SECONDS = 15.0
"""Seconds of silence after which a stream says that it lives."""
UPDATE_INTERVAL_SECONDS = 0.1
"""Seconds between two tellings; the newest state of each job wins."""
POLL_SECONDS = 1.0
"""Seconds between looks at the rows of jobs that the desk does not carry: from before a restart, or from a chat."""

State = dict[str, Any]


class JobEvents:
    """States of jobs, each as its visitor may see it."""

    def __init__(self, studio: AppContext, tracker: JobTracker, views: Views) -> None:
        self._studio = studio
        self._desk = tracker
        self._views = views

    async def state(self, job: str, client: Client) -> State:
        """Raises NotFound for a job that is not there, and alike for one that is not this visitor's to see."""
        live = self._desk.newest(job)
        if live is not None and live[0] == client.user:
            return self._views.state(live[1], client)
        row = await self._studio.store.job(job)
        if row is None or (row.job.user != client.user and row.job.private):
            raise NotFound("There is no job {job}. /jobs lists yours.", job=job[:40])
        if row.outcome is not None:
            return self._views.state(row.outcome, client)
        return self._views.waiting(row, self._studio.coalescer.queue_position(job), client)

    async def end(self, job: str, client: Client) -> State:
        """The last state of a job that was just ended, once that is written down."""
        with self._desk.watch(client.user, job) as watch:
            while (state := await self.state(job, client))["state"] not in ENDED:
                await watch.changes(POLL_SECONDS)
        return state

    async def changes(self, client: Client, job: str | None = None) -> AsyncGenerator[list[State], None]:
        """What stands, then what changed since; empty after a silence. Of one job to its end, else of all live ones."""
        with self._desk.watch(client.user, job) as watch:
            told = {state["id"]: state for state in await self._current_states(client, job)}
            yield list(told.values())
            over = job is not None and _any_final(told.values())
            while not over:
                await asyncio.sleep(UPDATE_INTERVAL_SECONDS)
                changed = [
                    state for state in await self._changed_states(client, watch, told) if told.get(state["id"]) != state
                ]
                told |= {state["id"]: state for state in changed}
                over = watch.closed or (job is not None and _any_final(changed))
                yield changed
                told = {each: state for each, state in told.items() if state["state"] not in ENDED}

    async def _current_states(self, client: Client, job: str | None) -> list[State]:
        if job is not None:
            return [await self.state(job, client)]
        rows = await self._studio.store.jobs_of(client.user)
        return [await self.state(row.job.id, client) for row in rows]

    async def _changed_states(self, client: Client, watch: JobSubscription, told: Iterable[str]) -> list[State]:
        elsewhere = [job for job in told if self._desk.newest(job) is None]
        news = {update.job: update for update in await watch.changes(POLL_SECONDS if elsewhere else HEARTBEAT_SECONDS)}
        rows = [await self.state(job, client) for job in elsewhere if job not in news]
        return [*(self._views.state(update, client) for update in news.values()), *rows]


def _any_final(states: Iterable[State]) -> bool:
    return any(state["state"] in ENDED for state in states)
