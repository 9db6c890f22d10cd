"""Storyboard: the pictures of a drafted script."""

from bot.command import Call, command
from bot.films import filming, started
from bot.results import Of
from engine.job import Job


@command("Draw the storyboard of the script", button="Storyboard", needs=("draft",), hidden=True, bare=True)
async def storyboard(call: Call, params: Of) -> Job:
    return await filming(call, await started(call, params.job))
