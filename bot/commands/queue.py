"""/queue: show who is waiting and what is running. Admins pause or drain the queue, and bump or drop a job."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import structlog
from pydantic import Field

from bot.core.command import Reply
from bot.maintenance import queue_state
from bot.requests.call import Call, command
from bot.requests.cancellation import JobFailer, cancel_all, cancel_job
from bot.requests.names import NameStore, load_names
from engine.core.errors import BadInput
from engine.core.params import TaskParams
from engine.host.engine import JobQueue, Mode, QueuePosition, RunningJob

log = structlog.get_logger()

MAX_JOBS_SHOWN = 20
"""At most this many waiting jobs are listed."""

MODES: dict[str, Mode] = {"pause": "paused", "drain": "draining", "resume": "open"}
MODE_MESSAGES = {
    "open": "The queue is running.",
    "paused": "The queue is paused: jobs wait and none starts. Use /queue resume to continue.",
    "draining": "The queue is draining: no new jobs are accepted. Use /queue resume to accept them again.",
}


class Params(TaskParams):
    """The options. `job` belongs to bump and drop."""

    action: Literal["show", "pause", "resume", "drain", "bump", "drop"] = Field(
        "show",
        description="Show, pause, resume or drain the queue; move a job to the front (bump) or cancel it (drop)",
        examples=["pause"],
        json_schema_extra={"positional": True},
    )
    job: str = Field(
        "",
        description="The job to bump or drop",
        max_length=64,
        json_schema_extra={"positional": True},
    )
    user: str = Field(
        "",
        description="Drop all jobs of this person, by the id that the list shows",
        max_length=100,
        examples=["discord:42"],
    )


class Queues(queue_state.HasMode, Protocol):
    """The part of the engine that queues jobs."""

    @property
    def queues(self) -> tuple[JobQueue, ...]:
        """Return the queues."""

    def bump(self, job: str) -> bool:
        """Move a queued job to the front. Returns False if it is not queued."""


class ActiveJobs(Protocol):
    """The jobs that this process runs."""

    def run_id_of(self, job: str) -> str | None:
        """Return the id under which the engine knows the job's run."""


class QueueStore(JobFailer, queue_state.NoteStore, NameStore, Protocol):
    """The part of the store that /queue uses."""


class QueueControl(Protocol):
    """What /queue needs."""

    @property
    def engine(self) -> Queues:
        """Return the queues."""

    @property
    def store(self) -> QueueStore:
        """Return the rows of jobs, and the note with the mode."""

    @property
    def coalescer(self) -> ActiveJobs:
        """Return the active jobs."""

    def cancel_job(self, job: str) -> bool:
        """End an active job. Returns False for any other job."""


@command("See and manage the queue", admin=True)
async def queue(call: Call[QueueControl], params: Params) -> Reply:
    """Show or manage the queue. Prompts are private, so they are never shown."""
    if params.user:
        return await _drop_all_of(call, params)
    if params.action in ("bump", "drop"):
        return await _bump_or_drop(call, params)
    if params.job:
        raise BadInput("job only works with bump and drop, for example /queue drop {job}.", job=params.job)
    if params.action in MODES:
        await queue_state.set_mode(call.studio, MODES[params.action])
        log.warning("queue", now=MODES[params.action], by=call.request.user)
    return await _show_queue(call)


async def _drop_all_of(call: Call[QueueControl], params: Params) -> Reply:
    """Cancel every job of one person. Raises BadInput if there is none."""
    if params.action != "drop" or params.job:
        raise BadInput(
            "user only works with drop and without a job, for example /queue drop --user {user}", user=params.user
        )
    dropped = await cancel_all(call.studio, await call.studio.store.jobs_of(params.user))
    if not dropped:
        raise BadInput("{user} has no jobs in progress. Use /queue to see who has.", user=params.user)
    log.warning("queue", action="drop", user=params.user, jobs=len(dropped), by=call.request.user)
    names = await load_names(call.studio.store, [params.user])
    text = call.translate(
        "Dropped {count:,} job of {user}.",
        plural="Dropped {count:,} jobs of {user}.",
        count=len(dropped),
        user=names[params.user],
    )
    return Reply(text, facts={"jobs": [row.job.id for row in dropped], "user": params.user})


async def _bump_or_drop(call: Call[QueueControl], params: Params) -> Reply:
    if not params.job:
        raise BadInput("Which job? Type /queue {action} and the job's id. /queue shows the ids.", action=params.action)
    row = await call.studio.store.job(params.job)
    if row is None:
        raise BadInput("There is no job {job}. Use /queue to see the jobs.", job=params.job)
    if params.action == "drop":
        changed = await cancel_job(call.studio, params.job)
    else:
        changed = call.studio.engine.bump(call.studio.coalescer.run_id_of(params.job) or params.job)
    if not changed:
        raise BadInput("Job {job} is no longer in the queue.", job=params.job)
    log.warning("queue", action=params.action, job=params.job, by=call.request.user)
    dropped = call.translate("Job {job} was dropped.", job=params.job)
    bumped = call.translate("Job {job} is next.", job=params.job)
    return Reply(dropped if params.action == "drop" else bumped, facts={"job": params.job, "user": row.job.user})


async def _show_queue(call: Call[QueueControl]) -> Reply:
    engine = call.studio.engine
    waiting = [position for queue in engine.queues for position in queue.positions()]
    running = [job for queue in engine.queues for job in queue.running()]
    names = await load_names(call.studio.store, [job.user for job in running] + [one.user for one in waiting])
    lines = [
        call.translate(MODE_MESSAGES[engine.mode]),
        *_format_running(call, running, names),
        *_format_waiting(call, waiting, names),
    ]
    facts: dict[str, Any] = {
        "mode": engine.mode,
        "running": [job._asdict() for job in running],
        "waiting": [position._asdict() for position in waiting],
    }
    return Reply("\n".join(lines), facts=facts)


def _format_running(call: Call[QueueControl], running: Sequence[RunningJob], names: Mapping[str, str]) -> list[str]:
    return [
        call.translate(
            "{device}: {job} · /{command} · {user} · for {time:duration}",
            device=job.device,
            job=job.job,
            command=job.command,
            user=names[job.user],
            time=job.seconds,
        )
        for job in running
    ]


def _format_waiting(call: Call[QueueControl], waiting: Sequence[QueuePosition], names: Mapping[str, str]) -> list[str]:
    if not waiting:
        return [call.translate("Nobody is waiting.")]
    lines = [_format_position(call, position, names[position.user]) for position in waiting[:MAX_JOBS_SHOWN]]
    if len(waiting) > MAX_JOBS_SHOWN:
        lines.append(call.translate("… and {count:,} more", count=len(waiting) - MAX_JOBS_SHOWN))
    return lines


def _format_position(call: Call[QueueControl], position: QueuePosition, user: str) -> str:
    text = call.translate(
        "{place}. {job} · /{command} · {user} · waiting for {time:duration}",
        place=position.place,
        job=position.job,
        command=position.command,
        user=user,
        time=position.waited,
    )
    if position.starts is None:
        return text
    return text + " · " + call.translate("starts in about {time:duration}", time=position.starts)
