"""Another: a new prompt of the same idea."""

from bot.command import Call, command
from bot.results import Of, anew, shared
from engine.job import Job


@command("Write another prompt", button="Another", needs=("idea", "prompt"), hidden=True, bare=True)
async def another(call: Call, params: Of) -> Job:
    job = await anew(call, await shared(call.studio, call.request, params.job))
    return job.model_copy(update={"notes": ()})
