"""/animate: a portrait and a sound, or a text, to a video in which it speaks."""

from bot.requests.call import Call, command
from engine.core.job import Job
from engine.tasks.animate.params import Params

DEVICE_SECONDS_PER_SECOND = 1.5
"""Device-seconds for a second of speech, on two CPU cores."""
SECONDS_PER_LETTER = 0.07
"""Seconds of speech for a letter of text."""


@command("Make a portrait speak", button="Animate", edited_option="text")
async def animate(call: Call, params: Params) -> Job:
    length = SECONDS_PER_LETTER * len(params.text) if params.text else params.audio.seconds if params.audio else None
    return await call.build_job("animate", params, cost=max(1.0, DEVICE_SECONDS_PER_SECOND * (length or 0)))
