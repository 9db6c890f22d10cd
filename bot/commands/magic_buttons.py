"""The buttons under a prompt that magic wrote: Use, Edit, Another and Original."""

from pydantic import Field

from bot.core.command import ButtonAction, ButtonSpec, Confirm
from bot.prompting.magic import image_jobs, prompt_of
from bot.requests.call import Call, command
from bot.requests.contexts import PromptWriter
from bot.requests.results import JobParams, load_result, rerun_with_new_seed
from engine.core.job import Job
from engine.core.params import MAX_PROMPT_CHARACTERS

PROMPT_FACTS = ("idea", "prompt")
"""Facts of a prompt that magic wrote."""


@command("Draw the prompt", button=ButtonSpec("Use", PROMPT_FACTS, without_files=True), hidden=True)
async def use(call: Call[PromptWriter], params: JobParams) -> Job | Confirm:
    """Draw the prompt that magic wrote."""
    return await image_jobs(call, await prompt_of(call, params.job, "prompt"))


class EditParams(JobParams):
    """The job that wrote the prompt, and the prompt after editing."""

    prompt: str = Field(
        description="Your prompt",
        min_length=1,
        max_length=MAX_PROMPT_CHARACTERS,
        json_schema_extra={"rest": True},
    )


@command(
    "Edit the prompt, then draw it",
    button=ButtonSpec("Edit", PROMPT_FACTS, ButtonAction.EDIT, without_files=True, edited_option="prompt"),
    hidden=True,
)
async def edit(call: Call[PromptWriter], params: EditParams) -> Job | Confirm:
    """Draw the edited prompt."""
    await prompt_of(call, params.job, "prompt")
    return await image_jobs(call, params.prompt)


@command("Write another prompt", button=ButtonSpec("Another", PROMPT_FACTS, without_files=True), hidden=True)
async def another(call: Call[PromptWriter], params: JobParams) -> Job:
    """Write a different prompt for the same idea and style."""
    job = await rerun_with_new_seed(call, await load_result(call.studio, call.request, params.job))
    return job.model_copy(update={"notes": ()})


@command(
    "Draw the original idea",
    button=ButtonSpec("Original", PROMPT_FACTS, without_files=True),
    hidden=True,
)
async def original(call: Call[PromptWriter], params: JobParams) -> Job | Confirm:
    """Draw the idea without magic."""
    return await image_jobs(call, await prompt_of(call, params.job, "idea"))
