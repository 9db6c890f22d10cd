"""/magic: an idea to a full prompt, shown before anything is drawn."""

from pydantic import Field

from bot.command import Call, Reply, command
from bot.prompts import set_always, writing
from engine.errors import BadInput
from engine.job import Job
from engine.tasks import magic as task


class Params(task.Params):
    """An idea, or what to do with all of them."""

    idea: str = Field(
        "",
        description="What to draw, in a few words",
        max_length=task.MAX_IDEA,
        examples=["a castle at noon"],
        json_schema_extra={"rest": True},
    )
    always: bool | None = Field(None, description="Do so from now on for everything that you draw, or no more")


@command("Make a full prompt of an idea, and show it before anything is drawn")
async def magic(call: Call, params: Params) -> Job | Reply:
    if params.always is not None:
        await set_always(call, on=params.always)
    if params.idea:
        return await writing(call, task.Params.parse(params.model_dump(exclude={"always"})))
    if params.always is None:
        raise BadInput("{option} is missing. Give it a value.", option="idea")
    on = call.say("From now on magic makes a full prompt of everything that you draw.")
    off = call.say("From now on your prompts are drawn as you write them.")
    return Reply(on if params.always else off, facts={"always": params.always})
