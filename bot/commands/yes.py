"""Yes: the jobs that the person was asked about are made."""

from pydantic import Field

from bot.asking import agreed
from bot.command import Agreed, Call, command
from engine.params import TaskParams


class Params(TaskParams):
    """The job that waits for an answer."""

    job: str = Field(description="The job's id", max_length=64, json_schema_extra={"positional": True})


@command("Agree to a job that you were asked about", hidden=True, replacing=True)
async def yes(call: Call, params: Params) -> Agreed:
    return await agreed(call, params.job)
