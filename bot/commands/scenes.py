"""/scenes: a script to a storyboard, and to a film."""

from bot.command import Call, command
from bot.films import filming
from engine.job import Job
from engine.tasks.scenes import Params


@command("Make a film of a script or of an idea, with a storyboard first")
async def scenes(call: Call, params: Params) -> Job:
    return await filming(call, params)
