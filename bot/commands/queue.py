"""/queue: who waits and what runs; an admin holds the line, lets it run empty, and moves or drops a job."""

from collections.abc import Sequence
from typing import Any, Literal

import structlog
from pydantic import Field

from bot.core.command import Reply
from bot.i18n.format import format_duration
from bot.maintenance import queue_state as held
from bot.requests.call import Call, command
from engine.core.errors import BadInput
from engine.core.params import TaskParams
from engine.host.engine import Mode, QueuePosition, RunningJob

log = structlog.get_logger()

MAX_JOBS_SHOWN = 20
"""Waiting jobs that are listed."""

MODES: dict[str, Mode] = {"pause": "paused", "drain": "draining", "resume": "open"}
SAID = {
    "open": "Jobs start and new ones are taken.",
    "paused": "The queue is paused: no job starts, new ones wait. /queue resume goes on.",
    "draining": "The queue runs empty: no new jobs are taken. /queue resume takes them again.",
}


class Params(TaskParams):
    """`job` goes with bump and drop."""

    action: Literal["show", "pause", "resume", "drain", "bump", "drop"] = Field(
        "show",
        description="Look, hold every start, go on, take no new jobs, or let a job go first or end it",
        examples=["pause"],
        json_schema_extra={"positional": True},
    )
    job: str = Field(
        "",
        description="The job to bump or drop",
        max_length=64,
        json_schema_extra={"positional": True},
    )


@command("Who waits and what runs; pause, resume, drain, bump and drop", admin=True)
async def queue(call: Call, params: Params) -> Reply:
    """Never shows what anybody asked for: that is theirs."""
    if params.action in ("bump", "drop"):
        return await _job(call, params)
    if params.job:
        raise BadInput("job goes with bump or drop: /queue drop {job}", job=params.job)
    if params.action in MODES:
        await held.set_mode(call.studio, MODES[params.action])
        log.warning("queue", now=MODES[params.action], by=call.request.user)
    return _show(call)


async def _job(call: Call, params: Params) -> Reply:
    if not params.job:
        raise BadInput("Say which job: /queue {action} and its id. /queue lists them.", action=params.action)
    row = await call.studio.store.job(params.job)
    if row is None:
        raise BadInput("There is no job {job}. /queue lists them.", job=params.job)
    if params.action == "drop":
        moved = call.studio.coalescer.cancel(params.job)
    else:
        moved = call.studio.engine.bump(call.studio.coalescer.run_id_of(params.job) or params.job)
    if not moved:
        raise BadInput("Job {job} does not wait any more.", job=params.job)
    log.warning("queue", action=params.action, job=params.job, by=call.request.user)
    done = call.translate("Job {job} is dropped.", job=params.job)
    first = call.translate("Job {job} goes first.", job=params.job)
    return Reply(done if params.action == "drop" else first, facts={"job": params.job, "user": row.job.user})


def _show(call: Call) -> Reply:
    engine = call.studio.engine
    waiting = [each for line in engine.queues for each in line.positions()]
    running = [each for line in engine.queues for each in line.running()]
    lines = [call.translate(SAID[engine.mode]), *_running(call, running), *_waiting(call, waiting)]
    facts: dict[str, Any] = {
        "mode": engine.mode,
        "running": [each._asdict() for each in running],
        "waiting": [each._asdict() for each in waiting],
    }
    return Reply("\n".join(lines), facts=facts)


def _running(call: Call, running: Sequence[RunningJob]) -> list[str]:
    return [
        call.translate(
            "{device}: {job} · /{command} · {user} · for {time}",
            device=each.device,
            job=each.job,
            command=each.command,
            user=each.user,
            time=format_duration(each.seconds),
        )
        for each in running
    ]


def _waiting(call: Call, waiting: Sequence[QueuePosition]) -> list[str]:
    if not waiting:
        return [call.translate("Nobody waits.")]
    lines = [_place(call, each) for each in waiting[:MAX_JOBS_SHOWN]]
    if len(waiting) > MAX_JOBS_SHOWN:
        lines.append(call.translate("… and {count} more", count=len(waiting) - MAX_JOBS_SHOWN))
    return lines


def _place(call: Call, standing: QueuePosition) -> str:
    text = call.translate(
        "{place}. {job} · /{command} · {user} · waits for {time}",
        place=standing.place,
        job=standing.job,
        command=standing.command,
        user=standing.user,
        time=format_duration(standing.waited),
    )
    if standing.starts is None:
        return text
    return text + " · " + call.translate("starts in about {time}", time=format_duration(standing.starts))
