"""Zoom out and the pans: more of a picture, from the words that it was drawn from."""

from bot.command import Call, command
from bot.results import Drawn, anew, shared
from engine.errors import BadInput
from engine.job import Job
from engine.tasks import TASKS

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
