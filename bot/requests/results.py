"""What jobs made, as the input of another: found by the name that a button carries, for those who may see it."""

import asyncio
from dataclasses import replace
from typing import Any

from pydantic import Field

from bot.app import AppContext
from bot.core.command import Attachment, Request
from bot.core.parsing import parse_params
from bot.presentation.buttons import parse_target
from bot.requests.call import Call
from engine.core.errors import BadInput, NotAllowed
from engine.core.job import Job, Media
from engine.core.params import TaskParams, media_of
from engine.tasks.registry import TASKS
from storage.store import JobRecord


class JobParams(TaskParams):
    """What a button is about: the job that made it, or that waits for an answer."""

    job: str = Field(description="The job's id", max_length=64, json_schema_extra={"positional": True})


class PictureParams(JobParams):
    """A picture under which a button was pressed: the job that drew it, and which of its pictures."""

    image: Media = Field(description="Picture to start from", json_schema_extra={"accepts": ["image"]})


async def load_result(studio: AppContext, request: Request, job: str) -> JobRecord:
    """The row of a job that made something. Raises BadInput where there is none, NotAllowed where it is private."""
    row = await studio.store.job(job)
    if row is None or row.result is None or not (row.result.media or row.result.facts):
        raise BadInput("There is nothing here that job {job} made. Ask for it again.", job=job[:40])
    if row.job.private and row.job.user != request.user:
        raise NotAllowed("What job {job} made is private. Only who asked for it may use it.", job=job)
    return row


async def resolve_attachments(studio: AppContext, request: Request) -> Request:
    """The request, each file of it that names a result with where that lies."""
    files = {option: await _resolve_attachment(studio, request, file) for option, file in request.files.items()}
    return replace(request, files=files)


async def is_stored(studio: AppContext, request: Request, named: str) -> bool:
    """Whether the file that a button names is still kept here. Raises BadInput and NotAllowed as `load_result` does."""
    return await asyncio.to_thread(studio.files.intact, await _media(studio, request, named))


async def rerun_with_new_seed(call: Call, row: JobRecord, **changes: Any) -> Job:
    """The row's job again with a new seed and with `changes`: the asker's own, at the limits of its command.

    Raises BadInput where a file that it started from is no longer kept.
    """
    job = await rebuild_job(call, row.job, **changes, seed=-1)
    return job.model_copy(update={"notes": row.job.notes})


async def rebuild_job(call: Call, job: Job, **changes: Any) -> Job:
    """A new job like `job`, with `changes`, for the asker and by today's model.

    Raises BadInput where a file that it started from is no longer kept.
    """
    params = await parse_params(TASKS[job.task].params, {**job.params, **changes})
    await check_files(call.studio, params)
    new = await call.build_job(job.task, params, cost=job.cost)
    return new.model_copy(update={"command": job.command})


async def _resolve_attachment(studio: AppContext, request: Request, file: Attachment) -> Attachment:
    if not file.result:
        return file
    media = await _media(studio, request, file.result)
    if await asyncio.to_thread(studio.files.intact, media):
        return replace(file, name=media.path.name, size=media.bytes, path=media.path)
    if file.url or file.path:
        return file
    job, _ = parse_target(file.result)
    raise BadInput("What job {job} made is no longer kept here. Send the file itself with the command.", job=job)


async def _media(studio: AppContext, request: Request, named: str) -> Media:
    job, number = parse_target(named)
    row = await load_result(studio, request, job)
    assert row.result is not None, "only a row with a result is shared"
    made = row.result.media
    if not 1 <= number <= len(made):
        raise BadInput("Job {job} made no file {number}, but {count}.", job=job, number=number, count=len(made))
    return made[number - 1]


async def check_files(studio: AppContext, params: TaskParams) -> None:
    for option, media in media_of(params):
        if not await asyncio.to_thread(studio.files.intact, media):
            template = "The {option} that it started from is no longer kept here. Send it again with the command."
            raise BadInput(template, option=option)
