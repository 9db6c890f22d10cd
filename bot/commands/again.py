"""Again: the same job with a new seed."""

from bot.command import Call, command
from bot.results import Of, anew, shared
from engine.job import Job


@command("Make it again with a new seed", button="Again", needs=("seed",), hidden=True)
async def again(call: Call, params: Of) -> Job:
    return await anew(call, await shared(call.studio, call.request, params.job))
