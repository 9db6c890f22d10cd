"""/magic: an idea to a full prompt, shown before anything is drawn."""

from bot.command import Call, command
from bot.prompts import writing
from engine.job import Job
from engine.tasks.magic import Params


@command("Make a full prompt of an idea, and show it before anything is drawn")
async def magic(call: Call, params: Params) -> Job:
    return await writing(call, params)
