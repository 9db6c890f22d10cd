"""/magic: expand an idea into a detailed prompt, and show it before anything is drawn."""

from pydantic import Field

from bot.core.command import Reply
from bot.core.route import Route
from bot.prompting.expansion import expand_prompt
from bot.prompting.magic import magic_job, set_always
from bot.requests.call import Call, command
from bot.requests.contexts import PromptWriter
from engine.core.errors import BadInput, UserMessage
from engine.core.job import Job
from engine.tasks.magic import params as magic_params

MAGIC_ON = UserMessage(template="Magic is on: every prompt will be expanded before it is drawn.")
MAGIC_OFF = UserMessage(template="Magic is off: your prompts will be drawn as you write them.")


class Params(magic_params.Params):
    """An idea to expand, or whether to expand every prompt from now on."""

    idea: str = Field(
        "",
        description="What to draw, in a few words",
        max_length=magic_params.MAX_IDEA_CHARACTERS,
        examples=["a castle at noon"],
        json_schema_extra={"rest": True},
    )
    always: bool | None = Field(None, description="Always expand my prompts from now on (on or off)")


@command("Turn a short idea into a detailed prompt", rate="20/60s", route=Route("/magic-prompt"))
async def magic(call: Call[PromptWriter], params: Params) -> Job | Reply:
    """Build the job that writes the prompt, store the `always` setting, or both. Raises BadInput without either."""
    job = await _build_job(call, params) if params.idea else None
    if params.always is None:
        if job is None:
            raise BadInput("{option} is missing. Add a value for it.", option="idea")
        return job
    await set_always(call, on=params.always)
    notice = MAGIC_ON if params.always else MAGIC_OFF
    if job is not None:
        return job.model_copy(update={"notes": (notice,)})
    return Reply(call.translate_message(notice), facts={"always": params.always})


async def _build_job(call: Call[PromptWriter], params: Params) -> Job:
    """Build the job. The prompt is expanded later, when it is drawn; that it can be expanded is checked now."""
    await expand_prompt(call, params.idea, params.seed, "idea")
    return await magic_job(call, magic_params.Params.parse(params.model_dump(exclude={"always"})))
