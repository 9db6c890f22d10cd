"""The buttons under a result: Again, Vary, Zoom out, the pans, and Delete."""

import secrets

from bot.core.capabilities import model_identity
from bot.core.command import Reply
from bot.core.parsing import parse_params
from bot.requests.call import Call, command
from bot.requests.results import JobParams, PictureParams, load_result, rebuild_job, rerun_with_new_seed
from bot.requests.rights import may_rule
from engine.core.errors import BadInput, NotAllowed
from engine.core.job import Job, Media, key_of
from engine.core.params import MAX_SEED
from engine.tasks.registry import TASKS
from storage.store import JobRecord


@command("Make it again with a new seed", button="Again", required_facts=("seed",), hidden=True)
async def again(call: Call, params: JobParams) -> Job:
    return await rerun_with_new_seed(call, await load_result(call.studio, call.request, params.job))


VARY_STRENGTH = 0.65
"""How far a neighbour leaves its picture, where it starts from that: it can be told from it, and is still of it."""

VARY_SHARE = 0.3
"""How far it turns from the picture's noise to another, where the model draws from the same noise again."""


@command("Draw neighbours of a picture", button="Vary", required_facts=("prompt", "seed"), hidden=True)
async def vary(call: Call, params: PictureParams) -> Job:
    row = await load_result(call.studio, call.request, params.job)
    if not {"image", "strength"} <= TASKS[row.job.task].params.model_fields.keys():
        raise BadInput("Job {job} drew no picture that can be varied.", job=params.job)
    seed = await _source_noise_seed_of(call, row, params.image)
    if seed is not None:
        further = secrets.randbelow(MAX_SEED)
        return await rebuild_job(call, row.job, seed=seed, variation=VARY_SHARE, variation_seed=further)
    parts = {"mask": None, "extend": None, "variation": None, "variation_seed": None}
    return await rerun_with_new_seed(call, row, **parts, image=params.image, strength=VARY_STRENGTH)


async def _source_noise_seed_of(call: Call, row: JobRecord, image: Media) -> int | None:
    """What the picture was drawn from, where the same model would draw it again from words alone, else None."""
    assert row.result is not None, "only a row with a result is shared"
    service = await call.studio.engine.service(row.job.task)
    params = await parse_params(TASKS[row.job.task].params, row.job.params)
    places = [place for place, media in enumerate(row.result.media) if media.sha256 == image.sha256]
    turnable = "variation" in type(params).model_fields and "variation" not in service.refuses
    again = places and turnable and not (params.is_set("image") or params.is_set("variation"))
    if not again or row.job.key != key_of(
        row.job.task, service.version, model_identity(params, service), row.job.params
    ):
        return None
    return (int(row.job.params["seed"]) + places[0]) % (MAX_SEED + 1)


REQUIRED_FACTS = ("prompt", "extends")
"""Facts of a picture that can be drawn on."""

FRESH = ("shape", "width", "height", "strength", "mask", "control", "control_weight", "variation", "variation_seed")
"""Options that said how the first picture came to be: they are no part of what is drawn on."""


@command("Show more around a picture", button="Zoom out", required_facts=REQUIRED_FACTS, single_file=True, hidden=True)
async def zoom(call: Call, params: PictureParams) -> Job:
    return await _extend(call, params, "out")


@command("Draw on to the left", button="⬅️", required_facts=REQUIRED_FACTS, single_file=True, hidden=True)
async def pan_left(call: Call, params: PictureParams) -> Job:
    return await _extend(call, params, "left")


@command("Draw on to the right", button="➡️", required_facts=REQUIRED_FACTS, single_file=True, hidden=True)
async def pan_right(call: Call, params: PictureParams) -> Job:
    return await _extend(call, params, "right")


@command("Draw on upwards", button="⬆️", required_facts=REQUIRED_FACTS, single_file=True, hidden=True)
async def pan_up(call: Call, params: PictureParams) -> Job:
    return await _extend(call, params, "up")


@command("Draw on downwards", button="⬇️", required_facts=REQUIRED_FACTS, single_file=True, hidden=True)
async def pan_down(call: Call, params: PictureParams) -> Job:
    return await _extend(call, params, "down")


async def _extend(call: Call, params: PictureParams, towards: str) -> Job:
    row = await load_result(call.studio, call.request, params.job)
    fields = TASKS[row.job.task].params.model_fields
    if "extend" not in fields:
        raise BadInput("Job {job} drew no picture that can be extended.", job=params.job)
    fresh = {name: fields[name].default for name in FRESH}
    return await rerun_with_new_seed(call, row, **fresh, image=params.image, extend=towards, tiling=False, count=1)


@command("Delete what a job made", button="Delete", hidden=True, deletes_message=True)
async def delete(call: Call, params: JobParams) -> Reply:
    row = await call.studio.store.job(params.job)
    if row is None or row.result is None:
        raise BadInput("There is nothing here that job {job} made. Ask for it again.", job=params.job)
    if not may_rule(call.request, row.job):
        raise NotAllowed("Only who asked for it, or an admin, may delete what job {job} made.", job=params.job)
    await call.studio.store.forget(params.job)
    return Reply(call.translate("Deleted."), facts={"job": params.job})
