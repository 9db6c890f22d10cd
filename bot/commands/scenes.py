"""/scenes: a script to a storyboard, and to a film."""

from bot.requests.call import Call, command
from bot.requests.film_jobs import film_job
from engine.core.job import Job
from engine.tasks.film.scenes_task import Params


@command("Make a film of a script or of an idea, with a storyboard first")
async def scenes(call: Call, params: Params) -> Job:
    return await film_job(call, params)
