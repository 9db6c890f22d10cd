"""The buttons under a film's script and storyboard."""

import re
import secrets

from pydantic import Field

from bot.core.parsing import parse_params, run_parser
from bot.requests.call import Call, command
from bot.requests.film_jobs import film_job, film_params_of, reseed_scenes
from bot.requests.results import JobParams
from engine.core.errors import BadInput
from engine.core.job import Job
from engine.core.params import MAX_SEED
from engine.tasks.film import scripts
from engine.tasks.film.scenes_task import Params as Scenes


@command(
    "Draw the storyboard of the script", button="Storyboard", required_facts=("draft",), hidden=True, without_files=True
)
async def storyboard(call: Call, params: JobParams) -> Job:
    return await film_job(call, await film_params_of(call, params.job))


@command("Make the film of the storyboard", button="Render", required_facts=("storyboard",), hidden=True)
async def render(call: Call, params: JobParams) -> Job:
    return await film_job(call, (await film_params_of(call, params.job)).model_copy(update={"make": "film"}))


class RedoParams(JobParams):
    """Which scenes to draw anew."""

    numbers: str = Field(
        description="Numbers of the scenes to draw anew", min_length=1, max_length=200, json_schema_extra={"rest": True}
    )


@command(
    "Draw some scenes anew", button="Redo scenes", required_facts=("storyboard",), hidden=True, edited_option="numbers"
)
async def redo(call: Call, params: RedoParams) -> Job:
    before = await film_params_of(call, params.job)
    numbers = [int(number) for number in re.findall(r"\d{1,4}", params.numbers)]
    count = len((await run_parser(lambda: scripts.read(before.script))).scenes)
    if not numbers or any(not 1 <= number <= count for number in numbers):
        raise BadInput(
            "numbers is “{value}”; it must be numbers from 1 to {count}, such as 3 or 1, 3.",
            value=params.numbers[:40],
            count=count,
        )
    seed = secrets.randbelow(MAX_SEED - count)
    script = await run_parser(lambda: reseed_scenes(before.script, numbers, seed))
    return await film_job(call, before.model_copy(update={"script": script, "make": "storyboard"}))


class RewriteParams(JobParams):
    """What became of the script."""

    script: str = Field(
        description="The script as it should be",
        min_length=1,
        max_length=scripts.MAX_CHARACTERS,
        json_schema_extra={"rest": True},
    )


@command(
    "Change the script, then draw it",
    button="Change words",
    required_facts=("script",),
    hidden=True,
    without_files=True,
    edited_option="script",
)
async def rewrite(call: Call, params: RewriteParams) -> Job:
    before = await film_params_of(call, params.job)
    changed = {**before.model_dump(), "script": params.script, "make": "storyboard"}
    return await film_job(call, await parse_params(Scenes, changed))


@command("Send the scenes' pictures as a ZIP", button="Pictures", required_facts=("film",), hidden=True)
async def pictures(call: Call, params: JobParams) -> Job:
    return await film_job(call, (await film_params_of(call, params.job)).model_copy(update={"make": "pictures"}))
