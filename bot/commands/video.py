"""/video: set a picture in motion, with sound. The picture is attached or drawn from a prompt."""

from bot.core.route import Route
from bot.requests.call import JobCall, command
from engine.core.job import Job
from engine.tasks.film.video_task import Params

DEVICE_SECONDS_PER_SECOND = 0.4
"""Device-seconds that one second of video costs, on two CPU cores."""
LETTERS_PER_SECOND = 14
"""Letters of text that a voice speaks in a second."""
DEFAULT_SECONDS = 4
"""Length of a video without a length or sound of its own."""


@command(
    "Make a short video with sound from a picture or a description",
    rate="3/5m",
    route=Route("/render-video", aliases={"generate_subtitles": "subtitles"}),
)
async def video(call: JobCall, params: Params) -> Job:
    """Build the job. Its cost follows from the length that was asked for, or else from the length of the sound."""
    sound_seconds = params.audio.seconds if params.audio else len(params.text) / LETTERS_PER_SECOND
    seconds = params.seconds or sound_seconds or DEFAULT_SECONDS
    return await call.build_job("video", params, cost=1 + DEVICE_SECONDS_PER_SECOND * seconds)
