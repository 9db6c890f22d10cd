"""/cancel: end one job, waiting or running."""

from pydantic import Field

from bot.core.command import Reply
from bot.requests.call import Call, command
from bot.requests.rights import may_rule
from engine.core.errors import BadInput, Cancelled, NotAllowed
from engine.core.job import Failed
from engine.core.params import TaskParams
from storage.store import IllegalTransition, JobRecord


class Params(TaskParams):
    """Without `job`, the only one that the person has."""

    job: str = Field(
        "",
        description="The job's id; leave it out when you have only one",
        max_length=64,
        examples=["3f9a1c20be"],
        json_schema_extra={"positional": True},
    )


@command("End a job of yours that waits or runs")
async def cancel(call: Call, params: Params) -> Reply:
    row = await (_load_job(call, params.job) if params.job else _only(call))
    if not (call.studio.coalescer.cancel(row.job.id) or await _put_aside(call, row.job.id)):
        raise BadInput("Job {job} has already ended.", job=row.job.id)
    return Reply(call.translate("Job {job} is cancelled.", job=row.job.id), facts={"job": row.job.id})


async def _put_aside(call: Call, job: str) -> bool:
    """End a job that an earlier run of the studio left and no platform has taken up yet, to be told when it does."""
    row = await call.studio.store.job(job)
    if row is None or row.state not in {"queued", "running"}:
        return False
    try:
        await call.studio.store.fail(job, Failed.of(Cancelled("Cancelled."), job))
    except IllegalTransition:
        return False  # it ended since
    return True


async def _load_job(call: Call, job: str) -> JobRecord:
    row = await call.studio.store.job(job)
    if row is None:
        raise BadInput("There is no job {job}. /jobs lists yours.", job=job)
    if not may_rule(call.request, row.job):
        raise NotAllowed("Job {job} is somebody else's. /jobs lists yours.", job=job)
    return row


async def _only(call: Call) -> JobRecord:
    rows = await call.studio.store.jobs_of(call.request.user)
    if not rows:
        raise BadInput("You have no job that waits or runs.")
    if len(rows) > 1:
        raise BadInput(
            "You have {count} jobs: {jobs}. Say which: /cancel {first}",
            count=len(rows),
            jobs=", ".join(row.job.id for row in rows),
            first=rows[0].job.id,
        )
    return rows[0]
