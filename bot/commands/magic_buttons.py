"""The buttons under a prompt that magic wrote: Use, Edit, Another and Original."""

from pydantic import Field

from bot.core.command import Ask
from bot.prompting.magic import drawn, written
from bot.requests.call import Call, command
from bot.requests.results import Of, anew, shared
from engine.core.job import Job
from engine.core.params import MAX_PROMPT_CHARACTERS


@command("Draw the prompt", button="Use", needs=("idea", "prompt"), hidden=True, bare=True)
async def use(call: Call, params: Of) -> Job | Ask:
    return await drawn(call, await written(call, params.job, "prompt"))


class EditParams(Of):
    """What became of the prompt."""

    prompt: str = Field(
        description="The prompt as it should be",
        min_length=1,
        max_length=MAX_PROMPT_CHARACTERS,
        json_schema_extra={"rest": True},
    )


@command(
    "Change the prompt, then draw it", button="Edit", needs=("idea", "prompt"), hidden=True, bare=True, edits="prompt"
)
async def edit(call: Call, params: EditParams) -> Job | Ask:
    await written(call, params.job, "prompt")
    return await drawn(call, params.prompt)


@command("Write another prompt", button="Another", needs=("idea", "prompt"), hidden=True, bare=True)
async def another(call: Call, params: Of) -> Job:
    job = await anew(call, await shared(call.studio, call.request, params.job))
    return job.model_copy(update={"notes": ()})


@command("Draw the idea as it was written", button="Original", needs=("idea", "prompt"), hidden=True, bare=True)
async def original(call: Call, params: Of) -> Job | Ask:
    return await drawn(call, await written(call, params.job, "idea"))
