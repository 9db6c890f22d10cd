"""Text to picture, and picture to picture."""

import time
from typing import Literal, Self

from pydantic import Field, model_validator

from engine.backends import painters
from engine.errors import BadInput
from engine.job import Fact, Media, Result
from engine.params import MAX_SEED, TaskParams
from engine.task import Context, Task


class Params(TaskParams):
    """What to draw and how. A missing `steps`, `guidance` or `strength` is the model's own."""

    prompt: str = Field(
        description="What to draw",
        min_length=1,
        max_length=1500,
        examples=["a lighthouse at dusk"],
        json_schema_extra={"rest": True},
    )
    shape: Literal["square", "wide", "tall"] = Field("square", description="Shape of the picture", examples=["wide"])
    count: int = Field(1, description="How many pictures", ge=1, le=4, examples=[2])
    steps: int | None = Field(None, description="Denoising steps; more is slower and finer", ge=1, le=50)
    guidance: float | None = Field(None, description="How closely to follow the prompt", ge=0, le=20)
    negative: str = Field("", description="What to keep out of the picture", max_length=1500)
    seed: int | None = Field(
        None, description="Leave out for the picture everyone gets, -1 for a new one", ge=-1, le=MAX_SEED
    )
    image: Media | None = Field(None, description="Picture to start from", json_schema_extra={"accepts": ["image"]})
    strength: float | None = Field(None, description="How far to leave the picture you start from", ge=0.05, le=1)

    @model_validator(mode="after")
    def strength_needs_an_image(self) -> Self:
        if self.strength is not None and self.image is None:
            raise BadInput("strength goes with image. Attach a picture to start from, or leave strength out.")
        return self


def run(params: Params, context: Context) -> Result:
    """Draw. `seconds` among the facts is from the model being at hand to the pictures being on disk."""
    context.progress("loading", 0)
    with context.model("imagine") as painter:
        begun = time.monotonic()
        painting = painter.paint(params, context.progress)
        media = tuple(context.keep(picture) for picture in painting.pictures)
        seconds = round(time.monotonic() - begun, 2)
    return Result(media=media, notes=painting.notes, facts=_facts(params, context, seconds) | painting.facts)


def _facts(params: Params, context: Context, seconds: float) -> dict[str, Fact]:
    service = context.service
    made_by: dict[str, Fact] = {"backend": service.backend, "tier": service.tier, "model": service.model}
    return {"prompt": params.prompt, "seed": params.seed or 0, **made_by, "seconds": seconds}


def size(params: Params) -> str:
    """What a drawing's time hangs on."""
    source = "picture" if params.image else "words"
    return f"{params.count} {params.shape}, steps {params.steps or 'usual'}, from {source}"


TASK = Task(
    name="imagine",
    version=painters.VERSION,
    params=Params,
    run=run,
    choose=painters.choose,
    load=painters.load,
    size=size,
)
