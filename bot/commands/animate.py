"""/animate: turn a portrait and a recording, or a text, into a video of it talking."""

from bot.core.command import ButtonAction, ButtonSpec
from bot.core.route import Route
from bot.requests.call import JobCall, command
from engine.core.job import Job
from engine.tasks.animate.params import Params

DEVICE_SECONDS_PER_SECOND = 1.5
"""Device-seconds that one second of speech costs, on two CPU cores."""
SECONDS_PER_LETTER = 0.07
"""Seconds of speech per letter of text."""


@command(
    "Make a portrait talk",
    rate="3/5m",
    route=Route("/live-portrait", media=("video",), facts={"voice": str, "model": str}),
    button=ButtonSpec("Animate", action=ButtonAction.EDIT, edited_option="text"),
)
async def animate(call: JobCall, params: Params) -> Job:
    """Build the job. Its cost follows from the length of the speech."""
    length = SECONDS_PER_LETTER * len(params.text) if params.text else params.audio.seconds if params.audio else None
    return await call.build_job("animate", params, cost=max(1.0, DEVICE_SECONDS_PER_SECOND * (length or 0)))
