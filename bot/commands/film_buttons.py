"""The buttons under a film's script and storyboard."""

import re
import secrets

from pydantic import Field

from bot.core.parsing import parse_params, run_parser
from bot.requests.call import Call, command
from bot.requests.film_jobs import filming, redone, started
from bot.requests.results import Of
from engine.core.errors import BadInput
from engine.core.job import Job
from engine.core.params import MAX_SEED
from engine.tasks.film import scripts
from engine.tasks.film.scenes_task import Params as Scenes


@command("Draw the storyboard of the script", button="Storyboard", needs=("draft",), hidden=True, bare=True)
async def storyboard(call: Call, params: Of) -> Job:
    return await filming(call, await started(call, params.job))


@command("Make the film of the storyboard", button="Render", needs=("storyboard",), hidden=True)
async def render(call: Call, params: Of) -> Job:
    return await filming(call, (await started(call, params.job)).model_copy(update={"make": "film"}))


class RedoParams(Of):
    """Which scenes to draw anew."""

    numbers: str = Field(
        description="Numbers of the scenes to draw anew", min_length=1, max_length=200, json_schema_extra={"rest": True}
    )


@command("Draw some scenes anew", button="Redo scenes", needs=("storyboard",), hidden=True, edits="numbers")
async def redo(call: Call, params: RedoParams) -> Job:
    before = await started(call, params.job)
    numbers = [int(number) for number in re.findall(r"\d{1,4}", params.numbers)]
    count = len((await run_parser(lambda: scripts.read(before.script))).scenes)
    if not numbers or any(not 1 <= number <= count for number in numbers):
        raise BadInput(
            "numbers is “{value}”; it must be numbers from 1 to {count}, such as 3 or 1, 3.",
            value=params.numbers[:40],
            count=count,
        )
    seed = secrets.randbelow(MAX_SEED - count)
    script = await run_parser(lambda: redone(before.script, numbers, seed))
    return await filming(call, before.model_copy(update={"script": script, "make": "storyboard"}))


class RewriteParams(Of):
    """What became of the script."""

    script: str = Field(
        description="The script as it should be",
        min_length=1,
        max_length=scripts.MAX_CHARACTERS,
        json_schema_extra={"rest": True},
    )


@command(
    "Change the script, then draw it", button="Change words", needs=("script",), hidden=True, bare=True, edits="script"
)
async def rewrite(call: Call, params: RewriteParams) -> Job:
    before = await started(call, params.job)
    changed = {**before.model_dump(), "script": params.script, "make": "storyboard"}
    return await filming(call, await parse_params(Scenes, changed))


@command("Send the scenes' pictures as a ZIP", button="Pictures", needs=("film",), hidden=True)
async def pictures(call: Call, params: Of) -> Job:
    return await filming(call, (await started(call, params.job)).model_copy(update={"make": "pictures"}))
