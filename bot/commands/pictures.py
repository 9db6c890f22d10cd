"""Pictures: those of a film's scenes, as one ZIP."""

from bot.command import Call, command
from bot.films import filming, started
from bot.results import Of
from engine.job import Job


@command("Send the scenes' pictures as a ZIP", button="Pictures", needs=("film",), hidden=True)
async def pictures(call: Call, params: Of) -> Job:
    return await filming(call, (await started(call, params.job)).model_copy(update={"make": "pictures"}))
