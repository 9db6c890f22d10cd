"""/video: a picture, given or drawn, in motion and with sound."""

from bot.requests.call import Call, command
from engine.core.job import Job
from engine.tasks.film.video_task import Params

DEVICE_SECONDS_PER_SECOND = 0.4
"""Device-seconds for a second of video, on two CPU cores."""
LETTERS_PER_SECOND = 14
"""That are spoken in a second."""


@command("Make a short video of a picture or of words, with sound")
async def video(call: Call, params: Params) -> Job:
    heard = params.audio.seconds if params.audio else len(params.text) / LETTERS_PER_SECOND
    return await call.build_job("video", params, cost=1 + DEVICE_SECONDS_PER_SECOND * (params.seconds or heard or 4))
