"""Prompts that magic writes: asked of the engine, shown with what can be done with them, drawn."""

from pydantic import Field

from bot.command import Call
from bot.results import shared
from engine.errors import BadInput
from engine.job import Job
from engine.params import TaskParams
from engine.tasks import imagine, magic

SMALL = ("pocket",)
"""Backends that draw one simple thing, and for which a long prompt does more harm than good."""


class Of(TaskParams):
    """The job that wrote it."""

    job: str = Field(description="The job's id", max_length=64, json_schema_extra={"positional": True})


async def writing(call: Call, params: magic.Params) -> Job:
    """A job that writes a prompt as the model that draws here wants it."""
    small = (await call.studio.engine.service("imagine")).backend in SMALL
    return await call.job("magic", params.model_copy(update={"short": params.short or small}))


async def drawing(call: Call, params: imagine.Params) -> Job:
    """A job that draws the prompt as it stands, at the limits of /imagine."""
    job = await call.job("imagine", params, cost=params.count)
    return job.model_copy(update={"command": "imagine"})


async def written(call: Call, job: str, fact: str) -> str:
    """The `prompt` or the `idea` of a prompt that magic wrote. Raises BadInput where there is none."""
    row = await shared(call.studio, call.request, job)
    text = row.result.facts.get(fact) if row.result else None
    if row.job.task != "magic" or not isinstance(text, str):
        raise BadInput("Job {job} wrote no prompt. /magic does.", job=job)
    return text
