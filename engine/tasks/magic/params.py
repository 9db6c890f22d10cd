"""Options of the `magic` task."""

from typing import Literal, Self

from pydantic import Field, model_validator

from engine.core.errors import BadInput
from engine.core.params import MAX_SEED, TaskParams
from engine.tasks.magic.grammar.grammar import TRIMMED_CHARACTERS

MAX_IDEA_CHARACTERS = 1000
"""Maximum length of an idea."""


class Params(TaskParams):
    """The idea, and how to expand it. `style` is auto or one of STYLES."""

    idea: str = Field(
        description="What to draw, in a few words",
        min_length=1,
        max_length=MAX_IDEA_CHARACTERS,
        examples=["a castle at noon"],
        json_schema_extra={"rest": True},
    )
    style: str = Field(
        "auto",
        description=(
            "Look: photo, cinematic, oil, watercolour, ink, pencil, anime, comic, pixel, render, concept, flat…"
        ),
        max_length=40,
        examples=["watercolour"],
    )
    language: Literal["auto", "en", "es"] = Field("auto", description="Language of the words that magic adds")
    seed: int | None = Field(None, description="Same seed, same prompt; -1 for a random one", ge=-1, le=MAX_SEED)
    short: bool = Field(False, description="Write a short prompt, for models that draw one simple thing")

    @model_validator(mode="after")
    def check_idea(self) -> Self:
        """Raise BadInput if the idea contains no words."""
        if self.idea and not self.idea.strip(TRIMMED_CHARACTERS):
            raise BadInput(
                "There are no words in “{value}”. Describe in a few words what to draw.", value=self.idea[:20]
            )
        return self
