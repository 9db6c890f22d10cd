"""/faceswap: put the face from one picture into another picture, a GIF or a short video."""

from typing import Protocol

from bot.config.sections import MediaSection
from bot.core.route import Route
from bot.requests.call import Call, command
from bot.requests.contexts import JobBuilder, Roles
from engine.core.job import Job
from engine.tasks.faceswap.params import Params

DEVICE_SECONDS_PER_SECOND = 1.0
"""Device-seconds that one second of video costs."""

CONSENT = (
    "Only swap faces with consent. Do you confirm that everyone shown, now and in later swaps, has agreed to this, and"
    " that the results won't be used to deceive or humiliate anyone? We keep your answer and its time, and won't ask"
    " again."
)


class MarkerSettings(Roles, Protocol):
    """The part of the settings that says whether results are marked."""

    @property
    def media(self) -> MediaSection:
        """Return [media]."""


class MarkedJobBuilder(JobBuilder, Protocol):
    """What /faceswap needs to build its jobs."""

    @property
    def settings(self) -> MarkerSettings:
        """Return the roles and [media]."""


@command(
    "Put a face into a picture, GIF or short video",
    rate="5/60s",
    route=Route("/face-swap", media=("image", "video"), facts={"faces": int}),
    consent=CONSENT,
)
async def faceswap(call: Call[MarkedJobBuilder], params: Params) -> Job:
    """Build the job, with a visible marker on the result if the settings ask for one."""
    if call.studio.settings.media.face_marker:
        params = params.model_copy(update={"marker": True})
    return await call.build_job(
        "faceswap", params, cost=max(1.0, DEVICE_SECONDS_PER_SECOND * (params.target.seconds or 0))
    )
