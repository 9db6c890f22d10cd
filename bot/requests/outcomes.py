"""The outcome of a job that has ended, to be shown again."""

import asyncio

from bot.core.command import Request
from bot.requests.contexts import StoredResults
from engine.core.errors import BadInput, NotAllowed
from engine.core.job import Done, Failed
from storage.store import JobRecord


async def load_outcome(studio: StoredResults, request: Request, job: str) -> Done | Failed:
    """Return how the job ended, with its files. Raises BadInput if that is not stored, NotAllowed if it is private."""
    row = await studio.store.job(job)
    if row is None:
        raise BadInput("There is no job {job}. Use /jobs to see yours.", job=job[:40])
    if row.job.private and row.job.user != request.user:
        raise NotAllowed("The result of job {job} is private. Only the person who asked for it can use it.", job=job)
    if row.outcome is None:
        raise BadInput("Job {job} hasn't finished yet. Use /jobs to see its place.", job=job)
    if not await has_stored_result(studio, row):
        raise BadInput("The result of job {job} is no longer stored. Run the command again.", job=job)
    return row.outcome


async def has_stored_result(studio: StoredResults, row: JobRecord) -> bool:
    """Return whether everything that the job made is still there. A job that failed made nothing."""
    if row.result is None:
        return row.failed is not None
    if not row.job.key:
        return False  # its result was deleted
    files = row.result.media
    return all(await asyncio.gather(*(asyncio.to_thread(studio.files.intact, media) for media in files)))


async def has_ended(studio: StoredResults, job: str) -> bool:
    """Return whether the job has ended, so that its card should no longer offer to cancel it."""
    row = await studio.store.job(job)
    return row is not None and row.outcome is not None
