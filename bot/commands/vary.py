"""Vary: neighbours of a picture, from the words that it was drawn from."""

from pydantic import Field

from bot.command import Call, command
from bot.results import anew, shared
from engine.errors import BadInput
from engine.job import Job, Media
from engine.params import TaskParams
from engine.tasks import TASKS

STRENGTH = 0.65
"""How far a neighbour leaves its picture: it can be told from it, and is still of it."""


class Params(TaskParams):
    """The job that drew it, and which of its pictures."""

    job: str = Field(description="The job's id", max_length=64, json_schema_extra={"positional": True})
    image: Media = Field(description="Picture to start from", json_schema_extra={"accepts": ["image"]})


@command("Draw neighbours of a picture", button="Vary", needs=("prompt", "seed"), hidden=True)
async def vary(call: Call, params: Params) -> Job:
    row = await shared(call.studio, call.request, params.job)
    if not {"image", "strength"} <= TASKS[row.job.task].params.model_fields.keys():
        raise BadInput("Job {job} drew no picture that can be varied.", job=params.job)
    return await anew(call, row, image=params.image, strength=STRENGTH)
