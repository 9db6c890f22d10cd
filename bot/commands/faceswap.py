"""/faceswap: the face of one picture put on another, a GIF or a short video."""

from bot.command import Call, command
from engine.job import Job
from engine.tasks.faceswap import Params

PACE = 1.0
"""Device-seconds for a second of a video."""


@command("Put a face into another picture, a GIF or a short video")
async def faceswap(call: Call, params: Params) -> Job:
    return await call.job("faceswap", params, cost=max(1.0, PACE * (params.target.seconds or 0)))
