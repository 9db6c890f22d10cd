"""The options of `magic`."""

from typing import Literal, Self

from pydantic import Field, model_validator

from engine.core.errors import BadInput
from engine.core.params import MAX_SEED, TaskParams
from engine.tasks.magic.grammar.grammar import ENDS

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
