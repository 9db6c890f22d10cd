"""/jobs: list the user's queued and running jobs, and show the results of finished ones again."""

from typing import Any, Protocol

from bot.core.command import Button, ButtonSpec, Reply
from bot.core.updates import LimitWait
from bot.requests.call import Call, command
from bot.requests.contexts import CommandFinder, StoredResults
from bot.requests.descriptions import describe_job, title_of
from bot.requests.listing import format_finished, format_line, show_button
from bot.requests.outcomes import has_stored_result, load_outcome
from bot.requests.results import JobParams
from engine.core.params import TaskParams
from storage.store import JobRecord

MAX_JOBS_SHOWN = 8
"""Jobs in progress that are listed. A message of Discord's has room for these and the finished ones."""

FINISHED_SECONDS, FINISHED_COUNT = 24 * 3600.0, 5
"""Finished jobs are listed if they are this new, and at most so many."""


class Params(TaskParams):
    """This command has no options."""


class QueuePositions(Protocol):
    """The jobs that this process runs."""

    def queue_position(self, job: str) -> int | None:
        """Return the job's position in the queue from 1, 0 while it runs, or None if it is not active."""


class WaitingJobs(Protocol):
    """The jobs that wait for a rate limit."""

    def newest(self, job: str) -> LimitWait | None:
        """Return the newest update of a job that waits, or None for any other job."""


class JobLister(CommandFinder, StoredResults, Protocol):
    """What /jobs needs."""

    @property
    def limit_gate(self) -> WaitingJobs:
        """Return the jobs that wait for a rate limit."""

    @property
    def coalescer(self) -> QueuePositions:
        """Return the active jobs."""


@command("Show your jobs and their results")
async def jobs(call: Call[JobLister], params: Params) -> Reply:  # noqa: ARG001  # no options
    """List the user's jobs with state, position in the queue, the beginning of the prompt, time, and link.

    Where others can read the answer, private jobs are left out.
    """
    rows = [row for row in await call.studio.store.jobs_of(call.request.user) if _may_list(call, row)]
    job_facts = [_describe_row(call, row) for row in rows]
    finished = await _load_finished(call)
    lines = [*_format_in_progress(call, rows, job_facts), *_format_all_finished(call, finished)]
    buttons = (*_cancel_buttons(call, rows), *(show_button(call, row) for row in finished))
    return Reply(
        "\n".join(lines), facts={"jobs": job_facts, "finished": [row.job.id for row in finished]}, buttons=buttons
    )


@command("Show the result of a job again", button=ButtonSpec(), hidden=True)
async def show(call: Call[JobLister], params: JobParams) -> Reply:
    """Show how the job ended. Raises BadInput if that is not stored, NotAllowed if it is private."""
    return Reply("", outcome=await load_outcome(call.studio, call.request, params.job))


async def _load_finished(call: Call[JobLister]) -> list[JobRecord]:
    """Return the user's newest jobs whose results can be shown again."""
    rows = await call.studio.store.finished_jobs_of(call.request.user, FINISHED_SECONDS, FINISHED_COUNT)
    return [row for row in rows if _may_list(call, row) and await has_stored_result(call.studio, row)]


def _may_list(call: Call[JobLister], row: JobRecord) -> bool:
    return call.request.private or not row.job.private


def _cancel_buttons(call: Call[JobLister], rows: list[JobRecord]) -> tuple[Button, ...]:
    """Return a button for each job that is listed, and one for all if there are several."""
    each = tuple(
        Button(call.translate("Cancel: {what}", what=title_of(call.studio, row.job)), "stop", row.job.id)
        for row in rows[:MAX_JOBS_SHOWN]
    )
    return (*each, Button(call.translate("Cancel all"), "cancel", "all")) if len(rows) > 1 else each


def _describe_row(call: Call[JobLister], row: JobRecord) -> dict[str, Any]:
    job = row.job
    place = call.studio.coalescer.queue_position(job.id) if row.state == "queued" else 0
    held = call.studio.limit_gate.newest(job.id)
    facts = {"id": job.id, "command": job.command, "state": row.state, "place": place, "created": job.created}
    return facts | {"starts_in": held.seconds_left if held else None}


def _format_in_progress(call: Call[JobLister], rows: list[JobRecord], all_facts: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return [call.translate("You have no jobs in progress.")]
    shown = list(zip(rows, all_facts, strict=True))[:MAX_JOBS_SHOWN]
    lines = [_format_job(call, row, facts) for row, facts in shown]
    if len(rows) > MAX_JOBS_SHOWN:
        lines.append(call.translate("… and {count:,} more", count=len(rows) - MAX_JOBS_SHOWN))
    return lines


def _format_all_finished(call: Call[JobLister], rows: list[JobRecord]) -> list[str]:
    return [call.translate("Finished:"), *(format_finished(call, row) for row in rows)] if rows else []


def _format_job(call: Call[JobLister], row: JobRecord, facts: dict[str, Any]) -> str:
    what = describe_job(call.studio, row.job)
    if row.state == "running":
        text, at = call.translate("running · {what}", what=what), row.started or row.job.created
    elif facts["starts_in"] is not None:
        template = "waits for the limit, starts in about {time:duration} · {what}"
        text, at = call.translate(template, time=facts["starts_in"], what=what), row.job.created
    elif facts["place"]:
        text = call.translate("number {place} in the queue · {what}", place=facts["place"], what=what)
        at = row.job.created
    else:
        text, at = call.translate("waiting · {what}", what=what), row.job.created
    return format_line(call, row, text, at)
