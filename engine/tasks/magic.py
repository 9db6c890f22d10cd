"""An idea to a full prompt."""

import time
from typing import Literal, Self

from pydantic import Field, model_validator

from engine.backends import writers
from engine.backends.magic.grammar import ENDS, medium
from engine.backends.magic.idea import read
from engine.backends.magic.lexicon import lexicon
from engine.backends.writing import style_notes
from engine.errors import BadInput, Sentence
from engine.job import Result
from engine.params import MAX_SEED, TaskParams
from engine.task import Context, Task

STYLES = tuple(lexicon().family)
"""What `style` may be beside auto."""
MAX_IDEA = 1000


class Params(TaskParams):
    """`style` is auto or one of STYLES; `short` is for a model that draws one simple thing."""

    idea: str = Field(
        description="What to draw, in a few words",
        min_length=1,
        max_length=MAX_IDEA,
        examples=["a castle at noon"],
        json_schema_extra={"rest": True},
    )
    style: str = Field(
        "auto",
        description=(
            "Style: photo, cinematic, oil, watercolour, ink, pencil, anime, comic, pixel, render, concept, flat …"
        ),
        max_length=40,
        examples=["watercolour"],
    )
    language: Literal["auto", "en", "es"] = Field("auto", description="Language of what is added to the idea")
    seed: int | None = Field(
        None, description="Leave out for the prompt everyone gets, -1 for a new one", ge=-1, le=MAX_SEED
    )
    short: bool = Field(False, description="A short prompt, for a model that draws one simple thing")

    @model_validator(mode="after")
    def the_idea_says_something(self) -> Self:
        if self.idea and not self.idea.strip(ENDS):
            raise BadInput("idea is “{value}”, which has no words. Say in a few what to draw.", value=self.idea[:20])
        return self


def in_style(prompt: str, style: str) -> tuple[str, tuple[Sentence, ...]]:
    """The prompt in one of STYLES; or, where it names a medium of its own, as it is and the notes that say so."""
    idea = read(prompt)
    if idea.medium:
        return prompt, style_notes(style, idea.medium)
    return f"{prompt.strip(ENDS)}, {medium(style, 0, idea.language)}", ()


def run(params: Params, context: Context) -> Result:
    """`seconds` among the facts is from the writer being at hand to the prompt."""
    context.progress("loading", 0)
    with context.model("magic") as writer:
        begun = time.monotonic()
        writing = writer.write(params, context.progress)
        seconds = round(time.monotonic() - begun, 2)
    service = context.service
    made = {"backend": service.backend, "tier": service.tier, "model": service.model, "seconds": seconds}
    asked = {"idea": params.idea, "style": writing.style, "seed": params.seed or 0}
    return Result(notes=writing.notes, facts={"prompt": writing.prompt, **asked, **made, **writing.facts})


def size(params: Params) -> str:
    """What a writing's time hangs on."""
    return "short" if params.short else "full"


TASK = Task(
    name="magic",
    version=writers.VERSION,
    params=Params,
    run=run,
    choose=writers.choose,
    load=writers.load,
    size=size,
    beside=True,
)
