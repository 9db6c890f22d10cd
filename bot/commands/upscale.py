"""/upscale: enlarge a picture, a GIF or a short video."""

from bot.core.command import ButtonSpec
from bot.core.route import Route
from bot.requests.call import JobCall, command
from engine.core.job import Job
from engine.tasks.upscale.params import Params


@command(
    "Enlarge a picture, GIF or short video",
    rate="5/60s",
    route=Route("/enhance-media", media=("image", "video"), facts={"scale": float, "model": str}),
    button=ButtonSpec("Upscale"),
    menu="Upscale",
)
async def upscale(call: JobCall, params: Params) -> Job:
    """Build the job."""
    return await call.build_job("upscale", params)
