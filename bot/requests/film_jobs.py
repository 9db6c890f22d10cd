"""Jobs that make films of scripts, and what their buttons start from."""

from bot.core.parsing import parse_params, run_parser
from bot.requests.call import Call
from bot.requests.results import check_files, load_result
from engine.core.errors import BadInput
from engine.core.job import Job
from engine.tasks.film import scripts
from engine.tasks.film.scenes_task import Params

SECONDS_PER_PICTURE, SECONDS_PER_FILM_SECOND = 1.0, 0.4
"""Device-seconds for a picture, and for a second of film, on two CPU cores."""


async def film_job(call: Call, params: Params) -> Job:
    """A job that makes what `params` ask for, counted as a film of scenes."""
    params, cost = await run_parser(lambda: _read(params))
    job = await call.build_job("scenes", params, cost=cost)
    return job.model_copy(update={"command": "scenes"})


async def film_params_of(call: Call, job: str) -> Params:
    """The parameters of a job that made a script or a film of one, with the script that it told.

    Raises BadInput where there is none or a file of it is no longer kept, NotAllowed where it is private.
    """
    row = await load_result(call.studio, call.request, job)
    if row.job.task != "scenes" or row.result is None:
        raise BadInput("Job {job} has no script.", job=job[:40])
    params = await parse_params(Params, row.job.params)
    await check_files(call.studio, params)
    script = str(row.result.facts.get("script", params.script))
    return params.model_copy(update={"script": script, "idea": ""})


def _read(params: Params) -> tuple[Params, float]:
    """Return the parameters with the script of their file, and what the job costs. Raises BadInput and TooLarge."""
    params = params.read_script()
    return params, _cost(params)


def _cost(params: Params) -> float:
    if params.idea:
        return 1.0
    scenes = scripts.read(params.script).scenes
    length = sum(scene.length for scene in scenes) if params.make == "film" else 0.0
    return SECONDS_PER_PICTURE * len(scenes) + SECONDS_PER_FILM_SECOND * length


def reseed_scenes(script: str, numbers: list[int], seed: int) -> str:
    """The script with new seeds, from `seed` on, for some scenes, which are counted from 1."""
    read = scripts.read(script)
    return read.with_seeds({number - 1: seed + at for at, number in enumerate(numbers)}).text()
