"""/imagine: words, or words and a picture, to pictures."""

from bot.command import Call, command
from engine.job import Job
from engine.tasks.imagine import Params


@command("Draw pictures from words", menu="Imagine from this picture…")
async def imagine(call: Call, params: Params) -> Job:
    return await call.job("imagine", params, cost=params.count)
