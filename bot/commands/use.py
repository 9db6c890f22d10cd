"""Use: the prompt that magic wrote is drawn."""

from bot.command import Ask, Call, command
from bot.prompts import drawn, written
from bot.results import Of
from engine.job import Job


@command("Draw the prompt", button="Use", needs=("idea", "prompt"), hidden=True, bare=True)
async def use(call: Call, params: Of) -> Job | Ask:
    return await drawn(call, await written(call, params.job, "prompt"))
