"""Change words: the script, as the person changed it, to a new storyboard; what is unchanged is not drawn again."""

from pydantic import Field

from bot.command import Call, command
from bot.films import filming, started
from bot.parsing import parse_params
from bot.results import Of
from engine import scripts
from engine.job import Job
from engine.tasks.scenes import Params as Scenes


class Params(Of):
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
async def rewrite(call: Call, params: Params) -> Job:
    before = await started(call, params.job)
    changed = {**before.model_dump(), "script": params.script, "make": "storyboard"}
    return await filming(call, await parse_params(Scenes, changed))
