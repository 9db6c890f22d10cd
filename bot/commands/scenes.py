"""/scenes: turn a script or an idea into a storyboard, and then into a film."""

from bot.core.route import Route
from bot.requests.call import JobCall, command
from bot.requests.film_jobs import film_job
from engine.core.job import Job
from engine.tasks.film.scenes_task import Params


@command(
    "Make a short film from a script or an idea",
    rate="10/5m",
    route=Route("/render-multi-scene", aliases={"generate_subtitles": "subtitles"}),
)
async def scenes(call: JobCall, params: Params) -> Job:
    """Build the job. Raises BadInput and TooLarge for a script that cannot be read."""
    return await film_job(call, params)
