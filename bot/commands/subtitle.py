"""/subtitle: transcribe the speech in a recording or a video, and write subtitles."""

from bot.core.command import ButtonSpec
from bot.requests.call import JobCall, command
from engine.core.job import Job
from engine.tasks.subtitle.params import Params

DEVICE_SECONDS_PER_SECOND = 0.3
"""Device-seconds that one second of speech costs, on two CPU cores."""


@command(
    "Add subtitles to a video, or turn audio into a captioned video",
    rate="5/60s",
    button=ButtonSpec("Subtitle", ("voice",)),
    menu="Subtitle",
)
async def subtitle(call: JobCall, params: Params) -> Job:
    """Build the job. Its cost follows from the length of the file."""
    return await call.build_job(
        "subtitle", params, cost=max(1.0, DEVICE_SECONDS_PER_SECOND * (params.media.seconds or 0))
    )
