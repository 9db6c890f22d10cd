"""Yes: the jobs that the person was asked about are made."""

from bot.asking import agreed
from bot.command import Agreed, Call, command
from bot.results import Of


@command("Agree to a job that you were asked about", hidden=True, replacing=True)
async def yes(call: Call, params: Of) -> Agreed:
    return await agreed(call, params.job)
