"""Cancel jobs that have not ended."""

from collections.abc import Iterable
from typing import Protocol

from bot.requests.contexts import JobReader
from engine.core.errors import Cancelled
from engine.core.job import Failed
from storage.store import IllegalTransition, JobRecord


class JobFailer(JobReader, Protocol):
    """The part of the store that ends jobs."""

    async def fail(self, job_id: str, failed: Failed) -> None:
        """End a queued or running job with an error. Raises IllegalTransition if it has ended."""


class Canceller(Protocol):
    """What is needed to cancel a job."""

    @property
    def store(self) -> JobFailer:
        """Return the rows of jobs."""

    def cancel_job(self, job: str) -> bool:
        """End an active job. Returns False for any other job."""


async def cancel_job(studio: Canceller, job: str) -> bool:
    """Cancel a job that is queued or runs. Return False if it has ended."""
    return studio.cancel_job(job) or await _cancel_unclaimed_job(studio, job)


async def cancel_all(studio: Canceller, rows: Iterable[JobRecord]) -> list[JobRecord]:
    """Cancel the jobs that have not ended in the meantime, and return their rows.

    The newest is cancelled first, so that no waiting job starts because one before it ends.
    """
    cancelled = [row for row in reversed(list(rows)) if await cancel_job(studio, row.job.id)]
    return cancelled[::-1]


async def _cancel_unclaimed_job(studio: Canceller, job: str) -> bool:
    """End a job that an earlier process left and no platform has resumed yet. The user is told when one does."""
    row = await studio.store.job(job)
    if row is None or row.state not in {"queued", "running"}:
        return False
    try:
        await studio.store.fail(job, Failed.of(Cancelled("Cancelled."), job))
    except IllegalTransition:
        return False  # it has ended in the meantime
    return True
