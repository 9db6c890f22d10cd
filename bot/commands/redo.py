"""Redo scenes: new pictures for some scenes of a storyboard, and for no others."""

import re
import secrets

from pydantic import Field

from bot.command import Call, command
from bot.films import filming, redone, started
from bot.parsing import run_parser
from bot.results import Of
from engine import scripts
from engine.errors import BadInput
from engine.job import Job
from engine.params import MAX_SEED


class Params(Of):
    """Which scenes to draw anew."""

    numbers: str = Field(
        description="Numbers of the scenes to draw anew", min_length=1, max_length=200, json_schema_extra={"rest": True}
    )


@command("Draw some scenes anew", button="Redo scenes", needs=("storyboard",), hidden=True, edits="numbers")
async def redo(call: Call, params: Params) -> Job:
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
