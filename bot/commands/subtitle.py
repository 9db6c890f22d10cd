"""/subtitle: speech in a sound or a video to subtitles."""

from bot.requests.call import Call, command
from engine.core.job import Job
from engine.tasks.subtitle.params import Params

DEVICE_SECONDS_PER_SECOND = 0.3
"""Device-seconds for a second of speech, on two CPU cores."""


@command(
    "Write subtitles into a video, or make a captioned video of a sound",
    button="Subtitle",
    required_facts=("voice",),
    menu="Subtitle",
)
async def subtitle(call: Call, params: Params) -> Job:
    return await call.build_job(
        "subtitle", params, cost=max(1.0, DEVICE_SECONDS_PER_SECOND * (params.media.seconds or 0))
    )
