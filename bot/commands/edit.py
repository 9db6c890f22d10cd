"""Edit: the prompt that magic wrote, changed by the person, is drawn."""

from pydantic import Field

from bot.command import Ask, Call, command
from bot.prompts import drawn, written
from bot.results import Of
from engine.job import Job
from engine.params import MAX_PROMPT_CHARACTERS


class Params(Of):
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
async def edit(call: Call, params: Params) -> Job | Ask:
    await written(call, params.job, "prompt")
    return await drawn(call, params.prompt)
