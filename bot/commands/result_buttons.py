"""The buttons under a result: Again, Vary, Zoom out, the pans, and Delete."""

import secrets
from typing import Protocol

from bot.core.capabilities import model_identity
from bot.core.command import ButtonAction, ButtonSpec, Reply
from bot.core.parsing import parse_params
from bot.requests.call import Call, command
from bot.requests.contexts import JobReader, ResultReader
from bot.requests.results import JobParams, PictureParams, load_result, rebuild_job, rerun_with_new_seed
from bot.requests.rights import may_manage_job
from engine.core.errors import BadInput, NotAllowed
from engine.core.job import Job, Media, key_of
from engine.core.params import MAX_SEED
from engine.tasks.registry import TASKS
from storage.store import JobRecord


@command("Make it again with a new seed", button=ButtonSpec("Again", ("seed",)), hidden=True)
async def again(call: Call[ResultReader], params: JobParams) -> Job:
    """Run the job again with a new seed."""
    return await rerun_with_new_seed(call, await load_result(call.studio, call.request, params.job))


VARY_STRENGTH = 0.65
"""Denoising strength of a variation that starts from its picture: clearly different, but still the same subject."""

VARY_NOISE_SHARE = 0.3
"""Share of new noise in a variation, where the model can draw from the picture's own noise again."""


@command("Draw variations of a picture", button=ButtonSpec("Vary", ("prompt", "seed")), hidden=True)
async def vary(call: Call[ResultReader], params: PictureParams) -> Job:
    """Build the job that draws a variation: from the picture's noise if that is known, else from the picture itself.

    Raises BadInput if the job's task cannot start from a picture.
    """
    row = await load_result(call.studio, call.request, params.job)
    if not {"image", "strength"} <= TASKS[row.job.task].params.model_fields.keys():
        raise BadInput("The result of job {job} can't be varied.", job=params.job)
    seed = await _source_noise_seed_of(call, row, params.image)
    if seed is not None:
        new_seed = secrets.randbelow(MAX_SEED)
        return await rebuild_job(call, row.job, seed=seed, variation=VARY_NOISE_SHARE, variation_seed=new_seed)
    reset = {"mask": None, "extend": None, "variation": None, "variation_seed": None}
    return await rerun_with_new_seed(call, row, **reset, image=params.image, strength=VARY_STRENGTH)


async def _source_noise_seed_of(call: Call[ResultReader], row: JobRecord, image: Media) -> int | None:
    """Return the seed of the picture's noise. None unless the same model would draw it again from the prompt alone."""
    assert row.result is not None, "load_result returns only rows with a result"
    service = await call.studio.engine.service(row.job.task)
    params = await parse_params(TASKS[row.job.task].params, row.job.params)
    places = [place for place, media in enumerate(row.result.media) if media.sha256 == image.sha256]
    can_vary_noise = "variation" in type(params).model_fields and "variation" not in service.refuses
    from_prompt_alone = not (params.is_set("image") or params.is_set("variation"))
    if not (places and can_vary_noise and from_prompt_alone) or row.job.key != key_of(
        row.job.task, service.version, model_identity(params, service), row.job.params
    ):
        return None
    return (int(row.job.params["seed"]) + places[0]) % (MAX_SEED + 1)


EXTENSION_FACTS = ("prompt", "extends")
"""Facts of a picture that can be extended."""

RESET_OPTIONS = (
    "shape",
    "width",
    "height",
    "strength",
    "mask",
    "control",
    "control_weight",
    "variation",
    "variation_seed",
)
"""Options that shaped the first picture and do not apply to its extension."""


@command("Show more around a picture", button=ButtonSpec("Zoom out", EXTENSION_FACTS, single_file=True), hidden=True)
async def zoom(call: Call[ResultReader], params: PictureParams) -> Job:
    """Extend the picture on all sides."""
    return await _extend(call, params, "out")


@command("Extend the picture to the left", button=ButtonSpec("⬅️", EXTENSION_FACTS, single_file=True), hidden=True)
async def pan_left(call: Call[ResultReader], params: PictureParams) -> Job:
    """Extend the picture to the left."""
    return await _extend(call, params, "left")


@command("Extend the picture to the right", button=ButtonSpec("➡️", EXTENSION_FACTS, single_file=True), hidden=True)
async def pan_right(call: Call[ResultReader], params: PictureParams) -> Job:
    """Extend the picture to the right."""
    return await _extend(call, params, "right")


@command("Extend the picture upwards", button=ButtonSpec("⬆️", EXTENSION_FACTS, single_file=True), hidden=True)
async def pan_up(call: Call[ResultReader], params: PictureParams) -> Job:
    """Extend the picture upwards."""
    return await _extend(call, params, "up")


@command("Extend the picture downwards", button=ButtonSpec("⬇️", EXTENSION_FACTS, single_file=True), hidden=True)
async def pan_down(call: Call[ResultReader], params: PictureParams) -> Job:
    """Extend the picture downwards."""
    return await _extend(call, params, "down")


async def _extend(call: Call[ResultReader], params: PictureParams, towards: str) -> Job:
    """Build the job that extends the picture. Raises BadInput if its task cannot extend pictures."""
    row = await load_result(call.studio, call.request, params.job)
    fields = TASKS[row.job.task].params.model_fields
    if "extend" not in fields:
        raise BadInput("The result of job {job} can't be extended.", job=params.job)
    defaults = {name: fields[name].default for name in RESET_OPTIONS}
    return await rerun_with_new_seed(call, row, **defaults, image=params.image, extend=towards, tiling=False, count=1)


class JobForgetter(JobReader, Protocol):
    """The part of the store that deletes results."""

    async def forget(self, job_id: str) -> None:
        """Delete the result of a job."""


class ResultDeleter(Protocol):
    """What the button Delete needs."""

    @property
    def store(self) -> JobForgetter:
        """Return the rows of jobs."""


@command("Delete the result of a job", button=ButtonSpec("Delete", action=ButtonAction.DELETE), hidden=True)
async def delete(call: Call[ResultDeleter], params: JobParams) -> Reply:
    """Delete the job's result. Raises BadInput if it has none, NotAllowed if the user may not delete it."""
    row = await call.studio.store.job(params.job)
    if row is None or row.result is None:
        raise BadInput("Job {job} has no result here. Run the command again.", job=params.job)
    if not await may_manage_job(call.request, row.job):
        raise NotAllowed("Only the person who asked for job {job}, or an admin, can delete its result.", job=params.job)
    await call.studio.store.forget(params.job)
    return Reply(call.translate("Deleted."), facts={"job": params.job})
