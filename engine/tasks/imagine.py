"""Text to picture, and picture to picture."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from engine.backends import painters
from engine.errors import AtelierError, BadInput, Cancelled
from engine.job import Fact, Media, Result
from engine.params import MAX_SEED, TaskParams
from engine.task import Batching, Context, Task
from engine.weighting import fragments, numbered

if TYPE_CHECKING:
    from engine.backends.painters import Painting, Picture

WRITERS = 4
"""Pictures that are encoded and written at once."""


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
    def weights_are_in_bounds(self) -> Self:
        fragments(self.prompt)
        fragments(self.negative)
        return self

    def asks(self, option: str) -> bool:
        """`weights` are those in the prompts, written in numbers."""
        if option == "weights":
            return numbered(self.prompt) or numbered(self.negative)
        return super().asks(option)

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
        return _result(params, context, painter.paint(params, context.progress), begun)


def run_together(jobs: Sequence[Params], contexts: Sequence[Context]) -> Iterator[tuple[int, Result | AtelierError]]:
    """Pictures of several people. While they are encoded and written, the device draws the next ones.

    A run of the models that are batched is over within a second, so who cancels meanwhile is told at its end.
    """

    def report(place: int, stage: str, fraction: float, preview: "Picture | None" = None) -> None:
        with suppress(Cancelled):
            contexts[place].progress(stage, fraction, preview)

    for place in range(len(jobs)):
        report(place, "loading", 0)
    with contexts[0].model("imagine") as painter, ThreadPoolExecutor(WRITERS) as writers:
        begun, ends = time.monotonic(), deque[tuple[int, Future[Result]]]()
        for place, wait in painter.paint_together(jobs, report):
            ends.append((place, writers.submit(_kept, jobs[place], contexts[place], wait, begun)))
            while ends and ends[0][1].done():
                yield _outcome(*ends.popleft())
        while ends:
            yield _outcome(*ends.popleft())


def _kept(params: Params, context: Context, wait: "Callable[[], Painting]", begun: float) -> Result:
    return _result(params, context, wait(), begun)


def _outcome(place: int, end: "Future[Result]") -> tuple[int, Result | AtelierError]:
    try:
        return place, end.result()
    except AtelierError as error:
        return place, error


def _result(params: Params, context: Context, painting: "Painting", begun: float) -> Result:
    context.check()
    with ThreadPoolExecutor(WRITERS) as writers:
        media = tuple(writers.map(context.keep, painting.pictures))
    facts = _facts(params, context, round(time.monotonic() - begun, 2))
    return Result(media=media, notes=painting.notes, facts=facts | painting.facts)


def _facts(params: Params, context: Context, seconds: float) -> dict[str, Fact]:
    service = context.service
    made_by: dict[str, Fact] = {"backend": service.backend, "tier": service.tier, "model": service.model}
    return {"prompt": params.prompt, "seed": params.seed or 0, **made_by, "seconds": seconds}


def size(params: Params) -> str:
    """What a drawing's time hangs on."""
    source = "picture" if params.image else "words"
    return f"{params.count} {params.shape}, steps {params.steps or 'usual'}, from {source}"


def alike(params: Params) -> str | None:
    """Which drawings may share a run: those of one picture each from words alone, in as many steps, of one shape."""
    apart = params.count > 1 or params.image is not None or params.guidance is not None or params.negative
    return None if apart else f"{params.shape} {params.steps}"


TASK = Task(
    name="imagine",
    version=painters.VERSION,
    params=Params,
    run=run,
    choose=painters.choose,
    load=painters.load,
    size=size,
    batch=Batching(key=alike, run=run_together),
)
