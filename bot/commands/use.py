"""Use: the prompt that magic wrote is drawn."""

from bot.command import Call, command
from bot.prompts import Of, drawing, written
from engine.job import Job
from engine.tasks.imagine import Params as Imagine


@command("Draw the prompt", button="Use", needs=("idea", "prompt"), hidden=True, bare=True)
async def use(call: Call, params: Of) -> Job:
    return await drawing(call, Imagine(prompt=await written(call, params.job, "prompt")))
