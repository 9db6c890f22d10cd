"""/magic: an idea to a full prompt, shown before anything is drawn."""

from pydantic import Field

from bot.core.command import Reply
from bot.prompting.expansion import expand_checked
from bot.prompting.magic import magic_job, set_always
from bot.requests.call import Call, command
from engine.core.errors import BadInput, UserMessage
from engine.core.job import Job
from engine.tasks.magic import params as magic_params

ALWAYS = UserMessage(template="From now on magic makes a full prompt of everything that you draw.")
AS_WRITTEN = UserMessage(template="From now on your prompts are drawn as you write them.")


class Params(magic_params.Params):
    """An idea, or what to do with all of them."""

    idea: str = Field(
        "",
        description="What to draw, in a few words",
        max_length=magic_params.MAX_IDEA,
        examples=["a castle at noon"],
        json_schema_extra={"rest": True},
    )
    always: bool | None = Field(None, description="Do so from now on for everything that you draw, or no more")


@command("Make a full prompt of an idea, and show it before anything is drawn")
async def magic(call: Call, params: Params) -> Job | Reply:
    job = await _writing(call, params) if params.idea else None
    if params.always is None:
        if job is None:
            raise BadInput("{option} is missing. Give it a value.", option="idea")
        return job
    await set_always(call, on=params.always)
    told = ALWAYS if params.always else AS_WRITTEN
    if job is not None:
        return job.model_copy(update={"notes": (told,)})
    return Reply(call.translate(told.template), facts={"always": params.always})


async def _writing(call: Call, params: Params) -> Job:
    """What the idea stands for is made of the prompt, when that is drawn; that it can be is seen now."""
    await expand_checked(call, params.idea, params.seed, "idea")
    return await magic_job(call, magic_params.Params.parse(params.model_dump(exclude={"always"})))
