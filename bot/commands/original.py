"""Original: the idea is drawn as the person wrote it."""

from bot.command import Call, command
from bot.prompts import Of, drawing, written
from engine.job import Job
from engine.tasks.imagine import Params as Imagine


@command("Draw the idea as it was written", button="Original", needs=("idea", "prompt"), hidden=True, bare=True)
async def original(call: Call, params: Of) -> Job:
    return await drawing(call, Imagine(prompt=await written(call, params.job, "idea")))
