"""Render: the film of an approved storyboard."""

from bot.command import Call, command
from bot.films import filming, started
from bot.results import Of
from engine.job import Job


@command("Make the film of the storyboard", button="Render", needs=("storyboard",), hidden=True)
async def render(call: Call, params: Of) -> Job:
    return await filming(call, (await started(call, params.job)).model_copy(update={"make": "film"}))
