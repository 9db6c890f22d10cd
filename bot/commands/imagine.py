"""/imagine: words, or words and a picture, to pictures."""

from pydantic import Field

from bot.app import Prompt
from bot.core.command import Confirm
from bot.core.parsing import run_parser
from bot.prompting import styles
from bot.prompting.expansion import confirm_batch, expand_checked
from bot.prompting.magic import always, check_few, expand_now, image_job
from bot.requests.call import Call, command
from engine.core.errors import UserMessage
from engine.core.job import Job
from engine.tasks.imagine import params as imagine_params
from engine.tasks.magic.params import MAX_IDEA
from engine.tasks.magic.task import STYLES, in_style

FULL = UserMessage(
    template="The prompt has more than {bound} characters, so magic left it as it is.", facts={"bound": MAX_IDEA}
)


class Params(imagine_params.Params):
    """What to draw and how, and what becomes of the prompt before."""

    style: str = Field(
        "", description="Style: one of /magic's, or of this studio's own", max_length=40, examples=["watercolour"]
    )
    magic: bool | None = Field(
        None, description="Make a full prompt of it first; left out, as you set it with /magic always"
    )


@command("Draw pictures from words", menu="Imagine from this picture…")
async def imagine(call: Call, params: Params) -> Job | Confirm:
    plain = params.model_dump(exclude={"style", "magic"})
    wanted = await always(call) if params.magic is None else params.magic
    prompts = await expand_checked(call, params.prompt, params.seed)
    if wanted:
        await check_few(call, prompts)
    written = [await _resolve_prompt(call, prompt, params.style, magic=wanted) for prompt in prompts]
    job, *more = [
        await image_job(call, imagine_params.Params.parse({**plain, "prompt": each.text}), each.notes)
        for each in written
    ]
    return confirm_batch(call, job, more, prompts) if more else job


async def _resolve_prompt(call: Call, prompt: str, style: str, *, magic: bool) -> Prompt:
    if magic and len(prompt) <= MAX_IDEA:
        return await expand_now(call, prompt, style)
    prompt, style = styles.apply_own_style(call.studio.settings, style, prompt)
    text, notes = await run_parser(lambda: in_style(prompt, style)) if style in STYLES else (prompt, ())
    return Prompt(text, (FULL, *notes) if magic else notes)
