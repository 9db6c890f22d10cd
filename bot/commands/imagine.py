"""/imagine: draw pictures from a description, or from a description and a picture."""

from pydantic import Field

from bot.app import Prompt
from bot.core.command import Confirm
from bot.core.parsing import run_parser
from bot.core.route import Route
from bot.prompting import styles
from bot.prompting.expansion import confirm_batch, expand_prompt
from bot.prompting.magic import check_prompt_count, expand_now, image_job, is_always_on
from bot.requests.call import Call, command
from bot.requests.contexts import PromptWriter
from engine.core.errors import UserMessage
from engine.core.job import Job
from engine.tasks.imagine import params as imagine_params
from engine.tasks.magic.params import MAX_IDEA_CHARACTERS
from engine.tasks.magic.task import STYLES, in_style

TOO_LONG_FOR_MAGIC = UserMessage(
    template="Your prompt is longer than {count:,} character, so magic didn't change it.",
    plural="Your prompt is longer than {count:,} characters, so magic didn't change it.",
    facts={"count": MAX_IDEA_CHARACTERS},
)


class Params(imagine_params.Params):
    """The options of the `imagine` task, and how to rewrite the prompt first."""

    style: str = Field(
        "", description="A named look, such as watercolour or ink", max_length=40, examples=["watercolour"]
    )
    magic: bool | None = Field(
        None, description="Let magic expand the prompt first; by default, your /magic always setting"
    )


@command(
    "Draw pictures from a description",
    rate="10/60s",
    route=Route("/generate-image", media=("image",), facts={"seed": int}),
    menu="Imagine from this picture…",
)
async def imagine(call: Call[PromptWriter], params: Params) -> Job | Confirm:
    """Build the job, or ask first when the prompt expands to several jobs. Raises BadInput and TooLarge."""
    options = params.model_dump(exclude={"style", "magic"})
    use_magic = await is_always_on(call) if params.magic is None else params.magic
    prompts = await expand_prompt(call, params.prompt, params.seed)
    if use_magic:
        await check_prompt_count(call, prompts)
    resolved = [await _resolve_prompt(call, prompt, params.style, magic=use_magic) for prompt in prompts]
    job, *more = [
        await image_job(call, imagine_params.Params.parse({**options, "prompt": prompt.text}), prompt.notes)
        for prompt in resolved
    ]
    return confirm_batch(call, job, more, prompts) if more else job


async def _resolve_prompt(call: Call[PromptWriter], prompt: str, style: str, *, magic: bool) -> Prompt:
    """Return the prompt as it will be drawn: expanded by magic, or with the style applied."""
    if magic and len(prompt) <= MAX_IDEA_CHARACTERS:
        return await expand_now(call, prompt, style)
    prompt, style = styles.apply_own_style(call.studio.settings, style, prompt)
    text, notes = await run_parser(lambda: in_style(prompt, style)) if style in STYLES else (prompt, ())
    return Prompt(text, (TOO_LONG_FOR_MAGIC, *notes) if magic else notes)
