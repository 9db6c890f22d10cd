"""No: the job that the person was asked about is left, the question goes."""

from pydantic import Field

from bot.asking import own
from bot.command import Call, Reply, command
from engine.params import TaskParams


class Params(TaskParams):
    """The job that waits for an answer."""

    job: str = Field(description="The job's id", max_length=64, json_schema_extra={"positional": True})


@command("Leave a job that you were asked about", hidden=True, withdrawing=True)
async def no(call: Call, params: Params) -> Reply:
    question = await own(call, params.job)
    await call.studio.store.unask(question.name)
    return Reply(call.say("It is left."))
