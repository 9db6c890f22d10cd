"""The buttons under a result: Again, Vary, Zoom out, the pans, and Delete."""

import secrets

from bot.core.capabilities import identity
from bot.core.command import Reply
from bot.core.parsing import parse_params
from bot.requests.call import Call, command
from bot.requests.results import Drawn, Of, anew, remade, shared
from bot.requests.rights import may_rule
from engine.core.errors import BadInput, NotAllowed
from engine.core.job import Job, Media, key_of
from engine.core.params import MAX_SEED
from engine.tasks.registry import TASKS
from storage.store import Row


@command("Make it again with a new seed", button="Again", needs=("seed",), hidden=True)
async def again(call: Call, params: Of) -> Job:
    return await anew(call, await shared(call.studio, call.request, params.job))


STRENGTH = 0.65
"""How far a neighbour leaves its picture, where it starts from that: it can be told from it, and is still of it."""

TURN = 0.3
"""How far it turns from the picture's noise to another, where the model draws from the same noise again."""


@command("Draw neighbours of a picture", button="Vary", needs=("prompt", "seed"), hidden=True)
async def vary(call: Call, params: Drawn) -> Job:
    row = await shared(call.studio, call.request, params.job)
    if not {"image", "strength"} <= TASKS[row.job.task].params.model_fields.keys():
        raise BadInput("Job {job} drew no picture that can be varied.", job=params.job)
    seed = await _seed(call, row, params.image)
    if seed is not None:
        further = secrets.randbelow(MAX_SEED)
        return await remade(call, row.job, seed=seed, variation=TURN, variation_seed=further)
    parts = {"mask": None, "extend": None, "variation": None, "variation_seed": None}
    return await anew(call, row, **parts, image=params.image, strength=STRENGTH)


async def _seed(call: Call, row: Row, image: Media) -> int | None:
    """What the picture was drawn from, where the same model would draw it again from words alone, else None."""
    assert row.result is not None, "only a row with a result is shared"
    service = await call.studio.engine.service(row.job.task)
    params = await parse_params(TASKS[row.job.task].params, row.job.params)
    places = [place for place, media in enumerate(row.result.media) if media.sha256 == image.sha256]
    turnable = "variation" in type(params).model_fields and "variation" not in service.refuses
    again = places and turnable and not (params.asks("image") or params.asks("variation"))
    if not again or row.job.key != key_of(row.job.task, service.version, identity(params, service), row.job.params):
        return None
    return (int(row.job.params["seed"]) + places[0]) % (MAX_SEED + 1)


NEEDS = ("prompt", "extends")
"""Facts of a picture that can be drawn on."""

FRESH = ("shape", "width", "height", "strength", "mask", "control", "control_weight", "variation", "variation_seed")
"""Options that said how the first picture came to be: they are no part of what is drawn on."""


@command("Show more around a picture", button="Zoom out", needs=NEEDS, alone=True, hidden=True)
async def zoom(call: Call, params: Drawn) -> Job:
    return await _extended(call, params, "out")


@command("Draw on to the left", button="⬅️", needs=NEEDS, alone=True, hidden=True)
async def pan_left(call: Call, params: Drawn) -> Job:
    return await _extended(call, params, "left")


@command("Draw on to the right", button="➡️", needs=NEEDS, alone=True, hidden=True)
async def pan_right(call: Call, params: Drawn) -> Job:
    return await _extended(call, params, "right")


@command("Draw on upwards", button="⬆️", needs=NEEDS, alone=True, hidden=True)
async def pan_up(call: Call, params: Drawn) -> Job:
    return await _extended(call, params, "up")


@command("Draw on downwards", button="⬇️", needs=NEEDS, alone=True, hidden=True)
async def pan_down(call: Call, params: Drawn) -> Job:
    return await _extended(call, params, "down")


async def _extended(call: Call, params: Drawn, towards: str) -> Job:
    row = await shared(call.studio, call.request, params.job)
    fields = TASKS[row.job.task].params.model_fields
    if "extend" not in fields:
        raise BadInput("Job {job} drew no picture that can be extended.", job=params.job)
    fresh = {name: fields[name].default for name in FRESH}
    return await anew(call, row, **fresh, image=params.image, extend=towards, tiling=False, count=1)


@command("Delete what a job made", button="Delete", hidden=True, withdrawing=True)
async def delete(call: Call, params: Of) -> Reply:
    row = await call.studio.store.job(params.job)
    if row is None or row.result is None:
        raise BadInput("There is nothing here that job {job} made. Ask for it again.", job=params.job)
    if not may_rule(call.request, row.job):
        raise NotAllowed("Only who asked for it, or an admin, may delete what job {job} made.", job=params.job)
    await call.studio.store.forget(params.job)
    return Reply(call.say("Deleted."), facts={"job": params.job})
