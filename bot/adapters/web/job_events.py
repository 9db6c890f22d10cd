"""The states of jobs and their changes: from the tracker while it runs them, otherwise from the database."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

from bot.adapters.web.errors import NotFound
from bot.adapters.web.job_tracker import JobSubscription, JobTracker
from bot.adapters.web.models import State
from bot.adapters.web.session import Client
from bot.adapters.web.views import Views
from bot.app import AppContext

HEARTBEAT_SECONDS = 15.0
"""Seconds of silence after which a stream sends a comment, to keep the connection open."""
UPDATE_INTERVAL_SECONDS = 0.1
"""Seconds between two events of a stream. The newest state of each job is sent."""
POLL_SECONDS = 1.0
"""Seconds between two reads of jobs that the tracker does not run: those from a chat or from before a restart."""


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
        held = self._studio.limit_gate.newest(job)
        if held is not None:
            return self._views.state(held, client)
        return self._views.stored_state(row, self._studio.coalescer.queue_position(job), client)

    async def final_state(self, job: str, client: Client) -> State:
        """Return the final state of a job that was just cancelled, once it is stored."""
        with self._tracker.subscribe(client.user, job) as subscription:
            while not (state := await self.state(job, client)).is_final:
                await subscription.changes(POLL_SECONDS)
        return state

    async def changes(self, client: Client, job: str | None = None) -> AsyncGenerator[list[State], None]:
        """Yield the current states, then those that have changed, or an empty list after a silence.

        With `job`, follow that job to its end. Without it, follow all of the visitor's live jobs.
        """
        with self._tracker.subscribe(client.user, job) as subscription:
            known = _by_id(await self._current_states(client, job))
            yield list(known.values())
            is_over = job is not None and _any_final(known.values())
            while not is_over:
                await asyncio.sleep(UPDATE_INTERVAL_SECONDS)
                states = _by_id(await self._changed_states(client, subscription, known))
                changed = {job_id: state for job_id, state in states.items() if known.get(job_id) != state}
                known |= changed
                is_over = subscription.closed or (job is not None and _any_final(changed.values()))
                yield list(changed.values())
                known = {job_id: state for job_id, state in known.items() if not state.is_final}

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


def _by_id(states: Iterable[State]) -> dict[str, State]:
    """Return the states of jobs by id. Answers without a job have none and are left out."""
    return {state.id: state for state in states if state.id is not None}


def _any_final(states: Iterable[State]) -> bool:
    return any(state.is_final for state in states)
