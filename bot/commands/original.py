"""Original: the idea is drawn as the person wrote it."""

from bot.command import Ask, Call, command
from bot.prompts import drawn, written
from bot.results import Of
from engine.job import Job


@command("Draw the idea as it was written", button="Original", needs=("idea", "prompt"), hidden=True, bare=True)
async def original(call: Call, params: Of) -> Job | Ask:
    return await drawn(call, await written(call, params.job, "idea"))
