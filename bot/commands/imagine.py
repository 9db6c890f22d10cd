"""/imagine: words, or words and a picture, to pictures."""

from pydantic import Field

from bot import styles
from bot.command import Call, command
from bot.prompts import always, drawing, expanded
from engine.job import Job
from engine.tasks import imagine as task
from engine.tasks.magic import STYLES, in_style


class Params(task.Params):
    """What to draw and how, and what becomes of the prompt before."""

    style: str = Field(
        "", description="Style: one of /magic's, or of this studio's own", max_length=40, examples=["watercolour"]
    )
    magic: bool | None = Field(
        None, description="Make a full prompt of it first; left out, as you set it with /magic always"
    )


@command("Draw pictures from words", menu="Imagine from this picture…")
async def imagine(call: Call, params: Params) -> Job:
    plain = params.model_dump(exclude={"style", "magic"})
    wanted = await always(call) if params.magic is None else params.magic
    return await drawing(call, task.Params.parse({**plain, "prompt": await _prompt(call, params, magic=wanted)}))


async def _prompt(call: Call, params: Params, *, magic: bool) -> str:
    if magic:
        return await expanded(call, params.prompt, params.style)
    prompt, style = styles.own(call.studio.settings, params.style, params.prompt)
    return in_style(prompt, style) if style in STYLES else prompt
