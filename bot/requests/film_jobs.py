"""Jobs that turn scripts into storyboards and films, and the scripts that their buttons start from."""

from bot.core.parsing import parse_params, run_parser
from bot.requests.call import Call, JobCall
from bot.requests.contexts import ResultReader
from bot.requests.results import check_files, load_result
from engine.core.errors import BadInput
from engine.core.job import Job
from engine.tasks.film import scripts
from engine.tasks.film.scenes_task import Params

SECONDS_PER_PICTURE, SECONDS_PER_FILM_SECOND = 1.0, 0.4
"""Device-seconds that a picture costs, and that one second of film costs, on two CPU cores."""


async def film_job(call: JobCall, params: Params) -> Job:
    """Return a job for `params`, under the command `scenes` and its rate limit. Raises BadInput and TooLarge."""
    params, cost = await run_parser(lambda: _read_script(params))
    job = await call.build_job("scenes", params, cost=cost)
    return job.model_copy(update={"command": "scenes"})


async def film_params_of(call: Call[ResultReader], job: str) -> Params:
    """Return the parameters of a `scenes` job, with the script of its result in place of the idea.

    Raises BadInput if there is no such job or one of its files has been deleted, NotAllowed if it is private.
    """
    row = await load_result(call.studio, call.request, job)
    if row.job.task != "scenes" or row.result is None:
        raise BadInput("Job {job} has no script.", job=job[:40])
    params = await parse_params(Params, row.job.params)
    await check_files(call.studio, params)
    script = str(row.result.facts.get("script", params.script))
    return params.model_copy(update={"script": script, "idea": ""})


def _read_script(params: Params) -> tuple[Params, float]:
    """Return the parameters with the script read from its file, and the job's cost. Raises BadInput and TooLarge."""
    params = params.read_script()
    return params, _cost(params)


def _cost(params: Params) -> float:
    """Return the expected device time in seconds."""
    if params.idea:
        return 1.0
    scenes = scripts.read(params.script).scenes
    length = sum(scene.length for scene in scenes) if params.make == "film" else 0.0
    return SECONDS_PER_PICTURE * len(scenes) + SECONDS_PER_FILM_SECOND * length


def reseed_scenes(script: str, numbers: list[int], seed: int) -> str:
    """Return the script with new seeds, counting up from `seed`, for the scenes `numbers`, counted from 1."""
    parsed = scripts.read(script)
    return parsed.with_seeds({number - 1: seed + offset for offset, number in enumerate(numbers)}).text()
