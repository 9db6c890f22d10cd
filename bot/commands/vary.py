"""Vary: neighbours of a picture, from the words that it was drawn from."""

import secrets

from bot.command import Call, command
from bot.offers import identity
from bot.parsing import parse_params
from bot.results import Drawn, anew, remade, shared
from engine.errors import BadInput
from engine.job import Job, Media, key_of
from engine.params import MAX_SEED
from engine.tasks import TASKS
from storage.store import Row

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
