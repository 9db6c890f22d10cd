"""Again: the same job with a new seed."""

from pydantic import Field

from bot.command import Call, command
from bot.results import anew, shared
from engine.job import Job
from engine.params import TaskParams


class Params(TaskParams):
    """The job that made it."""

    job: str = Field(description="The job's id", max_length=64, json_schema_extra={"positional": True})


@command("Make it again with a new seed", button="Again", needs=("seed",), hidden=True)
async def again(call: Call, params: Params) -> Job:
    return await anew(call, await shared(call.studio, call.request, params.job))
