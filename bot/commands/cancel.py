"""/cancel: end one job, queued or running."""

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
    """The options. `job` may be left out when the user has only one job."""

    job: str = Field(
        "",
        description="Which job; not needed if you have only one",
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


@command("Cancel one of your jobs")
async def cancel(call: Call[JobCanceller], params: Params) -> Reply:
    """End the job. Raises BadInput if there is no such job or it has ended, NotAllowed if it is someone else's."""
    row = await (_load_job(call, params.job) if params.job else _load_only_job(call))
    if not (call.studio.cancel_job(row.job.id) or await _cancel_unclaimed_job(call, row.job.id)):
        raise BadInput("Job {job} has already finished.", job=row.job.id)
    return Reply(call.translate("Job {job} was cancelled.", job=row.job.id), facts={"job": row.job.id})


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
            plural="You have {count} jobs: {jobs}. Choose one, for example /cancel {first}",
            count=len(rows),
            jobs=", ".join(row.job.id for row in rows),
            first=rows[0].job.id,
        )
    return rows[0]
