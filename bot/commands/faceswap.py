"""/faceswap: the face of one picture put on another, a GIF or a short video."""

from bot.requests.call import Call, command
from engine.core.job import Job
from engine.tasks.faceswap.params import Params

DEVICE_SECONDS_PER_SECOND = 1.0
"""Device-seconds for a second of a video."""

CONSENT = (
    "A face belongs to a person. Do you confirm that the people in these pictures, and in those that you will send,"
    " allow you to use their faces like this, and that nobody will be deceived or shamed with the results?"
    " Your answer is kept with its time; you are asked once."
)


@command("Put a face into another picture, a GIF or a short video", consent=CONSENT)
async def faceswap(call: Call, params: Params) -> Job:
    if call.studio.settings.media.face_marker:
        params = params.model_copy(update={"marker": True})
    return await call.build_job(
        "faceswap", params, cost=max(1.0, DEVICE_SECONDS_PER_SECOND * (params.target.seconds or 0))
    )
