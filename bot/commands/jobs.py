"""/jobs: list the user's queued and running jobs."""

import textwrap
from typing import Any, Protocol

from bot.core.command import Reply
from bot.requests.call import Call, command
from bot.requests.contexts import CommandFinder, JobReader
from engine.core.params import TaskParams
from storage.store import JobRecord

EXCERPT_CHARACTERS = 40
"""Characters of a prompt that are shown, enough to tell one job from another."""


class Params(TaskParams):
    """This command has no options."""


class QueuePositions(Protocol):
    """The jobs that this process runs."""

    def queue_position(self, job: str) -> int | None:
        """Return the job's position in the queue from 1, 0 while it runs, or None if it is not active."""


class JobLister(CommandFinder, Protocol):
    """What /jobs needs."""

    @property
    def store(self) -> JobReader:
        """Return the rows of jobs."""

    @property
    def coalescer(self) -> QueuePositions:
        """Return the active jobs."""


@command("Show your jobs in progress")
async def jobs(call: Call[JobLister], params: Params) -> Reply:  # noqa: ARG001  # no options
    """List the user's jobs with state, position in the queue and the beginning of the prompt."""
    rows = await call.studio.store.jobs_of(call.request.user)
    job_facts = [_describe_job(call, row) for row in rows]
    lines = [_format_job(call, row, facts) for row, facts in zip(rows, job_facts, strict=True)]
    text = "\n".join(lines) or call.translate("You have no jobs in progress.")
    return Reply(text, facts={"jobs": job_facts})


def _describe_job(call: Call[JobLister], row: JobRecord) -> dict[str, Any]:
    job = row.job
    place = call.studio.coalescer.queue_position(job.id) if row.state == "queued" else 0
    return {"id": job.id, "command": job.command, "state": row.state, "place": place, "created": job.created}


def _format_job(call: Call[JobLister], row: JobRecord, facts: dict[str, Any]) -> str:
    what = " ".join([f"/{row.job.command}", _excerpt_prompt(call, row)]).strip()
    if row.state == "running":
        return call.translate("{job} · running · {what}", job=row.job.id, what=what)
    if not facts["place"]:
        return call.translate("{job} · waiting · {what}", job=row.job.id, what=what)
    return call.translate(
        "{job} · number {place} in the queue · {what}", job=row.job.id, place=facts["place"], what=what
    )


def _excerpt_prompt(call: Call[JobLister], row: JobRecord) -> str:
    """Return the beginning of the job's free text."""
    command = call.studio.command(row.job.command)
    free = [option.name for option in command.params.options() if option.rest] if command else []
    words = " ".join(str(row.job.params.get(name) or "") for name in free)
    return textwrap.shorten(words, EXCERPT_CHARACTERS, placeholder="…")
