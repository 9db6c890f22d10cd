"""/cancel: end one job, queued or running, or all of one's own."""

from typing import Protocol

from pydantic import Field

from bot.core.command import Reply
from bot.requests.call import Call, command
from bot.requests.contexts import JobReader
from bot.requests.rights import may_manage_job
from engine.core.errors import BadInput, Cancelled, NotAllowed
from engine.core.job import Failed
from engine.core.params import TaskParams
from storage.store import IllegalTransition, JobRecord


class Params(TaskParams):
    """The options. `job` may be left out when the user has only one job, and may be "all"."""

    job: str = Field(
        "",
        description="Which job, or all; not needed if you have only one",
        max_length=64,
        examples=["3f9a1c20be"],
        json_schema_extra={"positional": True},
    )


class JobFailer(JobReader, Protocol):
    """The part of the store that ends jobs."""

    async def fail(self, job_id: str, failed: Failed) -> None:
        """End a queued or running job with an error. Raises IllegalTransition if it has ended."""


class JobCanceller(Protocol):
    """What /cancel needs."""

    @property
    def store(self) -> JobFailer:
        """Return the rows of jobs."""

    def cancel_job(self, job: str) -> bool:
        """End an active job. Returns False for any other job."""


ALL = frozenset({"all", "todo", "todos", "todas"})
"""What stands for all of one's jobs, in every language."""


@command("Cancel one of your jobs, or all of them")
async def cancel(call: Call[JobCanceller], params: Params) -> Reply:
    """End the job. Raises BadInput if there is no such job or it has ended, NotAllowed if it is someone else's."""
    if params.job.casefold() in ALL:
        return await _cancel_all(call)
    row = await (_load_job(call, params.job) if params.job else _load_only_job(call))
    if not await _end(call, row.job.id):
        raise BadInput("Job {job} has already finished.", job=row.job.id)
    return Reply(call.translate("Job {job} was cancelled.", job=row.job.id), facts={"job": row.job.id})


async def _cancel_all(call: Call[JobCanceller]) -> Reply:
    """End all jobs of the user, the newest first, so that none starts in the meantime. Raises BadInput without any."""
    rows = await call.studio.store.jobs_of(call.request.user)
    ended = [row.job.id for row in reversed(rows) if await _end(call, row.job.id)]
    if not ended:
        raise BadInput("You have no jobs in progress.")
    text = call.translate("{count} job was cancelled.", plural="{count} jobs were cancelled.", count=len(ended))
    return Reply(text, facts={"jobs": ended})


async def _end(call: Call[JobCanceller], job: str) -> bool:
    """End the job, whether this process runs it or not. Returns False if it has ended already."""
    return call.studio.cancel_job(job) or await _cancel_unclaimed_job(call, job)


async def _cancel_unclaimed_job(call: Call[JobCanceller], job: str) -> bool:
    """End a job that an earlier process left and no platform has resumed yet. The user is told when one does."""
    row = await call.studio.store.job(job)
    if row is None or row.state not in {"queued", "running"}:
        return False
    try:
        await call.studio.store.fail(job, Failed.of(Cancelled("Cancelled."), job))
    except IllegalTransition:
        return False  # it has ended in the meantime
    return True


async def _load_job(call: Call[JobCanceller], job: str) -> JobRecord:
    row = await call.studio.store.job(job)
    if row is None:
        raise BadInput("There is no job {job}. Use /jobs to see yours.", job=job)
    if not await may_manage_job(call.request, row.job):
        raise NotAllowed("Job {job} belongs to someone else. Use /jobs to see yours.", job=job)
    return row


async def _load_only_job(call: Call[JobCanceller]) -> JobRecord:
    rows = await call.studio.store.jobs_of(call.request.user)
    if not rows:
        raise BadInput("You have no jobs in progress.")
    if len(rows) > 1:
        raise BadInput(
            "You have {count} job: {jobs}. Choose it, for example /cancel {first}",
            plural="You have {count} jobs: {jobs}. Choose one, for example /cancel {first}, or all with /cancel all",
            count=len(rows),
            jobs=", ".join(row.job.id for row in rows),
            first=rows[0].job.id,
        )
    return rows[0]
