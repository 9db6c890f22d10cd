"""What happens to the jobs of a worker that has died: each runs once more, then it fails as the likely cause."""

from collections.abc import Iterable

import structlog

from engine.core.errors import Broken, Cancelled, crashed_twice
from engine.core.job import Failed
from engine.host.job_handle import JobHandle
from engine.host.queue import JobQueue

log = structlog.get_logger()

MAX_ATTEMPTS = 2
"""Runs of a job in one run of the studio. `bot.jobs.lifecycle` counts them over restarts as well."""


def reclaim_jobs(handles: Iterable[JobHandle], queue: JobQueue) -> None:
    """Queue or fail each job that has not ended. An unexpected error fails only the job that caused it."""
    for handle in handles:
        if handle.ended:
            continue
        try:
            _retry_or_fail(handle, queue)
        except Exception:
            log.exception("job lost by a bug of ours", job=handle.job.id)
            lost = Broken("Something went wrong on our side and the job was lost. Please try again.")
            handle.emit(Failed.of(lost, handle.job.id))


def _retry_or_fail(handle: JobHandle, queue: JobQueue) -> None:
    if handle.cancelled:
        handle.emit(Failed.of(Cancelled("Cancelled."), handle.job.id))
    elif handle.attempt < MAX_ATTEMPTS:
        log.warning("job will run again", job=handle.job.id, user=handle.job.user)
        queue.enqueue(handle)
    else:
        handle.emit(Failed.of(crashed_twice(), handle.job.id))
