"""The states of jobs and their changes: from the tracker while it runs them, otherwise from the database."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Any

from bot.adapters.web.errors import NotFound
from bot.adapters.web.job_tracker import JobSubscription, JobTracker
from bot.adapters.web.session import Client
from bot.adapters.web.views import FINAL_STATES, Views
from bot.app import AppContext

HEARTBEAT_SECONDS = 15.0
"""Seconds of silence after which a stream sends a comment, to keep the connection open."""
UPDATE_INTERVAL_SECONDS = 0.1
"""Seconds between two events of a stream. The newest state of each job is sent."""
POLL_SECONDS = 1.0
"""Seconds between two reads of jobs that the tracker does not run: those from a chat or from before a restart."""

State = dict[str, Any]
"""A job's state as the API returns it."""


class JobEvents:
    """Reads the states of jobs, each as its visitor may see it."""

    def __init__(self, studio: AppContext, tracker: JobTracker, views: Views) -> None:
        self._studio = studio
        self._tracker = tracker
        self._views = views

    async def state(self, job: str, client: Client) -> State:
        """Return the state of a job. Raises NotFound for a job that does not exist or that this visitor may not see."""
        live = self._tracker.newest(job)
        if live is not None and live[0] == client.user:
            return self._views.state(live[1], client)
        row = await self._studio.store.job(job)
        if row is None or (row.job.user != client.user and row.job.private):
            raise NotFound("There is no job {job}. Use /jobs to see yours.", job=job[:40])
        if row.outcome is not None:
            return self._views.state(row.outcome, client)
        return self._views.stored_state(row, self._studio.coalescer.queue_position(job), client)

    async def final_state(self, job: str, client: Client) -> State:
        """Return the final state of a job that was just cancelled, once it is stored."""
        with self._tracker.subscribe(client.user, job) as subscription:
            while (state := await self.state(job, client))["state"] not in FINAL_STATES:
                await subscription.changes(POLL_SECONDS)
        return state

    async def changes(self, client: Client, job: str | None = None) -> AsyncGenerator[list[State], None]:
        """Yield the current states, then those that have changed, or an empty list after a silence.

        With `job`, follow that job to its end. Without it, follow all of the visitor's live jobs.
        """
        with self._tracker.subscribe(client.user, job) as subscription:
            known = {state["id"]: state for state in await self._current_states(client, job)}
            yield list(known.values())
            is_over = job is not None and _any_final(known.values())
            while not is_over:
                await asyncio.sleep(UPDATE_INTERVAL_SECONDS)
                changed = [
                    state
                    for state in await self._changed_states(client, subscription, known)
                    if known.get(state["id"]) != state
                ]
                known |= {state["id"]: state for state in changed}
                is_over = subscription.closed or (job is not None and _any_final(changed))
                yield changed
                known = {job_id: state for job_id, state in known.items() if state["state"] not in FINAL_STATES}

    async def _current_states(self, client: Client, job: str | None) -> list[State]:
        if job is not None:
            return [await self.state(job, client)]
        rows = await self._studio.store.jobs_of(client.user)
        return [await self.state(row.job.id, client) for row in rows]

    async def _changed_states(self, client: Client, subscription: JobSubscription, known: Iterable[str]) -> list[State]:
        """Wait for updates and return the states that may have changed. `known` holds the ids of the jobs being
        followed.
        """
        untracked = [job for job in known if self._tracker.newest(job) is None]
        updates = {
            update.job: update
            for update in await subscription.changes(POLL_SECONDS if untracked else HEARTBEAT_SECONDS)
        }
        rows = [await self.state(job, client) for job in untracked if job not in updates]
        return [*(self._views.state(update, client) for update in updates.values()), *rows]


def _any_final(states: Iterable[State]) -> bool:
    return any(state["state"] in FINAL_STATES for state in states)
