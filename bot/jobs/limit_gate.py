"""Hold jobs until their rate limits let them start. The store knows them, so that they wait on after a restart."""

import asyncio
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from bot.core.updates import LimitWait
from engine.core.errors import Cancelled, Unwritten
from engine.core.job import Failed, Job, Paused, Update
from storage.store import Rate, Store

log = structlog.get_logger()

STORE_RETRY_SECONDS = 1.0
"""Seconds between two attempts to write to the store while the disk is full or the database is locked."""
MIN_SLEEP_SECONDS = 0.05
"""Shortest time between two looks at the store, as the clocks of the store and of the event loop differ a little."""
STEPS = ((60.0, 5), (600.0, 30), (3600.0, 60), (math.inf, 600))
"""A wait of up to so many seconds is shown as a multiple of so many, rounded up. Cards need not change every second."""


class LimitGate:
    """The jobs that are held back. `rates` are the rate limits of the commands."""

    def __init__(self, store: Store, rates: Mapping[str, Rate | None]) -> None:
        self._store = store
        self._rates = rates
        self._held: dict[str, HeldJob] = {}

    @contextmanager
    def hold(self, job: Job) -> Iterator["HeldJob"]:
        """Return a context in which the job is held back. Leaving it early lets the user's other jobs move up."""
        held = self._held[job.id] = HeldJob(job)
        try:
            yield held
        finally:
            del self._held[job.id]
            if not held.may_start:
                self._wake(job.user)

    async def next_update(self, held: "HeldJob") -> Update | None:
        """Wait for the next update of a job that is held back, and return it; None once the job may start.

        An update tells the time until the start, again whenever it changes. If the job is cancelled or the studio
        closes before that, even at the last moment, the last update is Failed or Paused.
        """
        while held.last is None:
            held.changed.clear()
            wait = await self._claim_start(held.job)
            if wait <= 0:
                held.may_start = True
                break
            shown, step = round_up(wait)
            update = self._describe(held.job, shown)
            if update is not None and update != held.newest:
                held.newest = update
                return update
            await held.sleep(wait - shown + step)
        return held.last

    def newest(self, job: str) -> LimitWait | None:
        """Return the newest update of a job that is held back, or None for any other job."""
        held = self._held.get(job)
        return held.newest if held else None

    def cancel(self, job: str) -> bool:
        """End a job that is held back. Returns False for any other job."""
        held = self._held.get(job)
        if held is not None:
            held.end(Failed.of(Cancelled("Cancelled."), job))
        return held is not None

    def pause(self) -> None:
        """Pause every job that is held back, so that a later process continues it."""
        for job, held in self._held.items():
            held.end(Paused(job=job))

    async def _claim_start(self, job: Job) -> float:
        try:
            return await self._store.claim_start(job.id, self._rates.get(job.command))
        except Unwritten as error:
            log.warning("cannot start a job that waited for its rate limit yet", job=job.id, why=str(error))
            return STORE_RETRY_SECONDS

    def _describe(self, job: Job, seconds: float) -> LimitWait | None:
        """Return the update for a job that waits for so many seconds; None if its command has no limit any more."""
        rate = self._rates.get(job.command)
        if rate is None:
            return None
        line = [
            held.job for held in self._held.values() if (held.job.user, held.job.command) == (job.user, job.command)
        ]
        place = 1 + sum(other.created < job.created for other in line)
        facts = {"command": job.command, "count": rate.count, "window": rate.seconds}
        return LimitWait(job=job.id, place=place, seconds_left=seconds, **facts)

    def _wake(self, user: str) -> None:
        """Let the user's jobs look at their times again, because a job before them has gone."""
        for held in self._held.values():
            if held.job.user == user:
                held.changed.set()


class HeldJob:
    """A job that is held back, its newest update, and the update that ends it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.newest: LimitWait | None = None
        self.last: Update | None = None
        self.may_start = False
        self.changed = asyncio.Event()

    def end(self, last: Update) -> None:
        """End the job with `last`, unless it has ended already."""
        self.last = self.last or last
        self.changed.set()

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds, but at least MIN_SLEEP_SECONDS, or until something has changed."""
        try:
            async with asyncio.timeout(max(seconds, MIN_SLEEP_SECONDS)):
                await self.changed.wait()
        except TimeoutError:
            return


def round_up(seconds: float) -> tuple[float, int]:
    """Return a wait as it is shown, and the step to which it was rounded up."""
    step = next(step for bound, step in STEPS if seconds <= bound)
    return float(math.ceil(seconds / step) * step), step
