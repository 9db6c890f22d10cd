"""Results of earlier jobs as input of new ones: look them up, check who may use them, and run jobs again."""

import asyncio
from dataclasses import replace
from typing import Any

from pydantic import Field

from bot.core.command import Attachment, Request
from bot.core.parsing import parse_params
from bot.presentation.buttons import parse_target
from bot.requests.call import Call
from bot.requests.contexts import ResultReader
from engine.core.errors import BadInput, NotAllowed
from engine.core.job import Job, Media
from engine.core.params import TaskParams, media_of
from engine.tasks.registry import TASKS
from storage.store import JobRecord


class JobParams(TaskParams):
    """The options of a button: the job whose result it is under, or the job that a question is about."""

    job: str = Field(description="The job's id", max_length=64, json_schema_extra={"positional": True})


class PictureParams(JobParams):
    """The options of a button under a picture: the job that drew it, and the picture."""

    image: Media = Field(description="Picture to start from", json_schema_extra={"accepts": ["image"]})


async def load_result(studio: ResultReader, request: Request, job: str) -> JobRecord:
    """Return the row of a job that has a result. Raises BadInput if there is none, NotAllowed if it is private."""
    row = await studio.store.job(job)
    if row is None or row.result is None or not (row.result.media or row.result.facts):
        raise BadInput("Job {job} has no result here. Run the command again.", job=job[:40])
    if row.job.private and row.job.user != request.user:
        raise NotAllowed("The result of job {job} is private. Only the person who asked for it can use it.", job=job)
    return row


async def resolve_attachments(studio: ResultReader, request: Request) -> Request:
    """Return the request with each attachment that refers to a result resolved to its path on disk.

    Raises BadInput if the result has been deleted and there is no fallback, NotAllowed if it is private.
    """
    files = {option: await _resolve_attachment(studio, request, file) for option, file in request.files.items()}
    return replace(request, files=files)


async def is_stored(studio: ResultReader, request: Request, target: str) -> bool:
    """Return whether the file that a button refers to is still on disk. Raises as `load_result` does."""
    return await asyncio.to_thread(studio.files.intact, await _load_media(studio, request, target))


async def rerun_with_new_seed(call: Call[ResultReader], row: JobRecord, **changes: Any) -> Job:
    """Return a copy of the row's job with a new seed and `changes`, for the user who asks.

    Raises BadInput if one of its input files has been deleted.
    """
    job = await rebuild_job(call, row.job, **changes, seed=-1)
    return job.model_copy(update={"notes": row.job.notes})


async def change_seed(call: Call[ResultReader], job: Job) -> Job:
    """Return the job with a random seed, because its user has already seen what the seed of its words makes."""
    rebuilt = await rebuild_job(call, job, seed=-1)
    return job.model_copy(update={"params": rebuilt.params, "key": rebuilt.key})


async def rebuild_job(call: Call[ResultReader], job: Job, **changes: Any) -> Job:
    """Return a new job like `job` with `changes` to its parameters, for the user who asks and today's model.

    Raises BadInput if one of its input files has been deleted, or if today's model does not support an option.
    """
    params = await parse_params(TASKS[job.task].params, {**job.params, **changes})
    await check_files(call.studio, params)
    rebuilt = await call.build_job(job.task, params, cost=job.cost)
    return rebuilt.model_copy(update={"command": job.command})


async def _resolve_attachment(studio: ResultReader, request: Request, file: Attachment) -> Attachment:
    if not file.result:
        return file
    media = await _load_media(studio, request, file.result)
    if await asyncio.to_thread(studio.files.intact, media):
        return replace(file, name=media.path.name, size=media.bytes, path=media.path)
    if file.url or file.path:
        return file
    job, _ = parse_target(file.result)
    raise BadInput("The result of job {job} is no longer stored here. Send the file itself with the command.", job=job)


async def _load_media(studio: ResultReader, request: Request, target: str) -> Media:
    job, number = parse_target(target)
    row = await load_result(studio, request, job)
    assert row.result is not None, "load_result returns only rows with a result"
    files = row.result.media
    if not 1 <= number <= len(files):
        raise BadInput(
            "Job {job} has no file {number}. It made {count} file.",
            plural="Job {job} has no file {number}. It made {count} files.",
            job=job,
            number=number,
            count=len(files),
        )
    return files[number - 1]


async def check_files(studio: ResultReader, params: TaskParams) -> None:
    """Raise BadInput if one of the files among the parameters has been deleted."""
    for option, media in media_of(params):
        if not await asyncio.to_thread(studio.files.intact, media):
            template = "The file used as {option} is no longer stored here. Send it again with the command."
            raise BadInput(template, option=option)
