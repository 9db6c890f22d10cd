"""The buttons under a film's script and storyboard."""

import re
import secrets

from pydantic import Field

from bot.core.command import ButtonAction, ButtonSpec
from bot.core.parsing import parse_params, run_parser
from bot.requests.call import Call, command
from bot.requests.contexts import ResultReader
from bot.requests.film_jobs import film_job, film_params_of, reseed_scenes
from bot.requests.results import JobParams
from engine.core.errors import BadInput
from engine.core.job import Job
from engine.core.params import MAX_SEED
from engine.tasks.film import scripts
from engine.tasks.film.scenes_task import Params as Scenes


@command(
    "Draw a storyboard from the script", button=ButtonSpec("Storyboard", ("draft",), without_files=True), hidden=True
)
async def storyboard(call: Call[ResultReader], params: JobParams) -> Job:
    """Build the job that draws a picture for each scene of the drafted script."""
    return await film_job(call, await film_params_of(call, params.job))


@command("Make the film from the storyboard", button=ButtonSpec("Render", ("storyboard",)), hidden=True)
async def render(call: Call[ResultReader], params: JobParams) -> Job:
    """Build the job that renders the film from the storyboard's script."""
    return await film_job(call, (await film_params_of(call, params.job)).model_copy(update={"make": "film"}))


class RedoParams(JobParams):
    """The storyboard's job, and which of its scenes to redraw."""

    numbers: str = Field(
        description="Which scenes to redraw, such as 1, 3",
        min_length=1,
        max_length=200,
        json_schema_extra={"rest": True},
    )


@command(
    "Redraw some scenes",
    button=ButtonSpec("Redo scenes", ("storyboard",), ButtonAction.EDIT, edited_option="numbers"),
    hidden=True,
)
async def redo(call: Call[ResultReader], params: RedoParams) -> Job:
    """Build the job that redraws some scenes with new seeds. Raises BadInput for a scene that does not exist."""
    before = await film_params_of(call, params.job)
    numbers = [int(number) for number in re.findall(r"\d{1,4}", params.numbers)]
    count = len((await run_parser(lambda: scripts.read(before.script))).scenes)
    if not numbers or any(not 1 <= number <= count for number in numbers):
        raise BadInput(
            "numbers is “{value}”. Give scene numbers from 1 to {count}, such as 3 or 1, 3.",
            value=params.numbers[:40],
            count=count,
        )
    seed = secrets.randbelow(MAX_SEED - count)
    script = await run_parser(lambda: reseed_scenes(before.script, numbers, seed))
    return await film_job(call, before.model_copy(update={"script": script, "make": "storyboard"}))


class RewriteParams(JobParams):
    """The job that made the script, and the script after editing."""

    script: str = Field(
        description="Your script",
        min_length=1,
        max_length=scripts.MAX_CHARACTERS,
        json_schema_extra={"rest": True},
    )


@command(
    "Edit the script, then draw it",
    button=ButtonSpec("Edit script", ("script",), ButtonAction.EDIT, without_files=True, edited_option="script"),
    hidden=True,
)
async def rewrite(call: Call[ResultReader], params: RewriteParams) -> Job:
    """Build the job that draws the storyboard of the edited script."""
    before = await film_params_of(call, params.job)
    changed = {**before.model_dump(), "script": params.script, "make": "storyboard"}
    return await film_job(call, await parse_params(Scenes, changed))


@command("Send the scenes' pictures as a ZIP file", button=ButtonSpec("Pictures", ("film",)), hidden=True)
async def pictures(call: Call[ResultReader], params: JobParams) -> Job:
    """Build the job that packs the scenes' pictures into a ZIP file."""
    return await film_job(call, (await film_params_of(call, params.job)).model_copy(update={"make": "pictures"}))
