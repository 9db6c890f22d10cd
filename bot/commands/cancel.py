"""/cancel: end one job, queued or running, or all jobs of the user. Also the buttons that do so under /jobs."""

from typing import Protocol

from pydantic import Field

from bot.core.command import ButtonSpec, Reply
from bot.requests.call import Call, command
from bot.requests.cancellation import Canceller, cancel_all, cancel_job
from bot.requests.contexts import CommandFinder
from bot.requests.descriptions import describe_job, may_show_words
from bot.requests.results import JobParams
from bot.requests.rights import may_manage_job
from engine.core.errors import BadInput, NotAllowed
from engine.core.params import TaskParams
from storage.store import JobRecord

ALL = frozenset({"all", "todo", "todos", "todas"})
"""What stands for all of one's jobs, in every language."""


class Params(TaskParams):
    """The options. `job` may be left out when the user has only one job, and may be "all"."""

    job: str = Field(
        "",
        description="Which job, or “all”; not needed if you have only one",
        max_length=64,
        examples=["3f9a1c20be"],
        json_schema_extra={"positional": True},
    )


class JobCanceller(Canceller, CommandFinder, Protocol):
    """What /cancel needs."""


@command("Cancel one of your jobs, or all of them")
async def cancel(call: Call[JobCanceller], params: Params) -> Reply:
    """End the job. Raises BadInput if there is no such job or it has ended, NotAllowed if it is someone else's."""
    if params.job.casefold() in ALL:
        return await _cancel_all_jobs(call)
    return await _cancel_one(call, await (_load_job(call, params.job) if params.job else _load_only_job(call)))


@command("Cancel a job in the list", button=ButtonSpec(), hidden=True)
async def stop(call: Call[JobCanceller], params: JobParams) -> Reply:
    """End the job of a button under a list. Raises as /cancel does.

    The button Cancel under a job's own message is replaced by the result once the job has ended; a list is not.
    """
    return await _cancel_one(call, await _load_job(call, params.job))


async def _cancel_one(call: Call[JobCanceller], row: JobRecord) -> Reply:
    is_own = may_show_words(call.request, row.job)
    what = describe_job(call.studio, row.job) if is_own else f"/{row.job.command}"
    if not await cancel_job(call.studio, row.job.id):
        raise BadInput("This job has already finished: {what}", what=what)
    return Reply(call.translate("Cancelled: {what}", what=what), facts={"job": row.job.id})


async def _cancel_all_jobs(call: Call[JobCanceller]) -> Reply:
    cancelled = await cancel_all(call.studio, await call.studio.store.jobs_of(call.request.user))
    if not cancelled:
        raise BadInput("You have no jobs in progress.")
    text = call.translate("Cancelled {count:,} job.", plural="Cancelled {count:,} jobs.", count=len(cancelled))
    return Reply(text, facts={"jobs": [row.job.id for row in cancelled]})


async def _load_job(call: Call[JobCanceller], job: str) -> JobRecord:
    row = await call.studio.store.job(job)
    if row is None:
        raise BadInput("There is no job {job}. Use /jobs to see yours.", job=job)
    if not await may_manage_job(call.request, row.job):
        raise NotAllowed("That job belongs to someone else. Use /jobs to see yours.")
    return row


async def _load_only_job(call: Call[JobCanceller]) -> JobRecord:
    rows = await call.studio.store.jobs_of(call.request.user)
    if not rows:
        raise BadInput("You have no jobs in progress.")
    if len(rows) > 1:
        raise BadInput(
            "You have {count:,} job. Choose it in /jobs, or use /cancel all.",
            plural="You have {count:,} jobs. Choose one in /jobs, or use /cancel all.",
            count=len(rows),
        )
    return rows[0]
