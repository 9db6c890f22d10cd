"""/jobs: list the user's queued and running jobs, and show the results of finished ones again."""

import textwrap
from typing import Any, Protocol

from bot.core.command import Button, ButtonSpec, Reply
from bot.core.updates import LimitWait
from bot.requests.call import Call, command
from bot.requests.contexts import CommandFinder, StoredResults
from bot.requests.outcomes import has_stored_result, load_outcome
from bot.requests.results import JobParams
from engine.core.params import TaskParams
from storage.store import JobRecord

EXCERPT_CHARACTERS = 40
"""Characters of a prompt that are shown, enough to tell one job from another."""


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
    """List the user's jobs with state, position in the queue and the beginning of the prompt.

    Where others can read the answer, private jobs are left out.
    """
    rows = [row for row in await call.studio.store.jobs_of(call.request.user) if _may_list(call, row)]
    job_facts = [_describe_job(call, row) for row in rows]
    lines = [_format_job(call, row, facts) for row, facts in zip(rows, job_facts, strict=True)]
    finished = await _load_finished(call)
    text = "\n".join(lines) or call.translate("You have no jobs in progress.")
    if finished:
        text = "\n".join([text, call.translate("Finished:"), *(_format_finished(call, row) for row in finished)])
    buttons = tuple(_show_button(call, row) for row in finished)
    return Reply(text, facts={"jobs": job_facts, "finished": [row.job.id for row in finished]}, buttons=buttons)


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


def _format_finished(call: Call[JobLister], row: JobRecord) -> str:
    return f"{row.job.id} · {_describe_request(call, row)}"


def _show_button(call: Call[JobLister], row: JobRecord) -> Button:
    what = _excerpt_prompt(call, row) or f"/{row.job.command}"
    return Button(call.translate("Show again: {what}", what=what), "show", row.job.id)


def _describe_job(call: Call[JobLister], row: JobRecord) -> dict[str, Any]:
    job = row.job
    place = call.studio.coalescer.queue_position(job.id) if row.state == "queued" else 0
    held = call.studio.limit_gate.newest(job.id)
    facts = {"id": job.id, "command": job.command, "state": row.state, "place": place, "created": job.created}
    return facts | {"starts_in": held.seconds_left if held else None}


def _format_job(call: Call[JobLister], row: JobRecord, facts: dict[str, Any]) -> str:
    what = _describe_request(call, row)
    if row.state == "running":
        return call.translate("{job} · running · {what}", job=row.job.id, what=what)
    if facts["starts_in"] is not None:
        template = "{job} · waits for the limit, starts in about {time:duration} · {what}"
        return call.translate(template, job=row.job.id, time=facts["starts_in"], what=what)
    if not facts["place"]:
        return call.translate("{job} · waiting · {what}", job=row.job.id, what=what)
    return call.translate(
        "{job} · number {place} in the queue · {what}", job=row.job.id, place=facts["place"], what=what
    )


def _describe_request(call: Call[JobLister], row: JobRecord) -> str:
    return f"/{row.job.command} {_excerpt_prompt(call, row)}".strip()


def _excerpt_prompt(call: Call[JobLister], row: JobRecord) -> str:
    """Return the beginning of the job's free text."""
    command = call.studio.command(row.job.command)
    free = [option.name for option in command.params.options() if option.rest] if command else []
    words = " ".join(str(row.job.params.get(name) or "") for name in free)
    return textwrap.shorten(words, EXCERPT_CHARACTERS, placeholder="…")
