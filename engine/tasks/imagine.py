"""Text to picture, and picture to picture."""

import math
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
from engine.params import MAX_PROMPT_CHARACTERS, MAX_SEED, TaskParams
from engine.task import Batching, Context, Task
from engine.weighting import fragments, numbered

if TYPE_CHECKING:
    from engine.backends.painters import Painting, Picture

Shapes = Literal["square", "wide", "tall", "5:4", "4:5", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9", "9:21"]

NEEDS = {
    "width": "height",
    "height": "width",
    "variation_seed": "variation",
    "strength": "image",
    "mask": "image",
    "extend": "image",
    "control": "image",
    "control_weight": "control",
}
"""An option, and the one that it says something of."""
APART = (
    *((one, part) for one in ("shape", "width") for part in ("mask", "extend")),
    ("shape", "width"),
    ("mask", "extend"),
    ("variation", "image"),
    *(("tiling", source) for source in ("mask", "extend")),
)
"""Options of which one leaves nothing for the other to say."""
LORA_WEIGHT = 2.0
APPARATUS = ("image", "mask", "extend", "control", "lora", "tiling")
"""Options that take another road than words to a picture."""

WRITERS = 4
"""Pictures that are encoded and written at once."""


class Params(TaskParams):
    """What to draw and how. A missing `steps`, `guidance` or `strength` is the model's own.

    A picture is started from (`strength` says how far it is left), mended where `mask` is white, extended, or followed
    by a `control`, which starts from it too only where `strength` is given.
    """

    prompt: str = Field(
        description="What to draw",
        min_length=1,
        max_length=MAX_PROMPT_CHARACTERS,
        examples=["a castle at night"],
        json_schema_extra={"rest": True},
    )
    shape: Shapes | None = Field(
        None, description="Shape of the picture; left out, square or as the picture you start from", examples=["wide"]
    )
    count: int = Field(1, description="How many pictures", ge=1, le=4, examples=[2])
    steps: int | None = Field(None, description="Denoising steps; more is slower and finer", ge=1, le=50)
    guidance: float | None = Field(None, description="How closely to follow the prompt", ge=0, le=20)
    negative: str = Field("", description="What to keep out of the picture", max_length=MAX_PROMPT_CHARACTERS)
    seed: int | None = Field(
        None, description="Leave out for the picture everyone gets, -1 for a new one", ge=-1, le=MAX_SEED
    )
    width: int | None = Field(None, description="Exact width in pixels, with height, instead of shape", ge=64, le=4096)
    height: int | None = Field(None, description="Exact height in pixels, with width", ge=64, le=4096)
    variation: float | None = Field(None, description="How far to turn the seed's picture towards another", ge=0, le=1)
    variation_seed: int | None = Field(
        None, description="Seed of the picture that a variation turns to; left out, the next one", ge=0, le=MAX_SEED
    )
    image: Media | None = Field(None, description="Picture to start from", json_schema_extra={"accepts": ["image"]})
    strength: float | None = Field(None, description="How far to leave the picture you start from", ge=0.05, le=1)
    mask: Media | None = Field(
        None,
        description="White where the picture is drawn anew, black where it stays",
        json_schema_extra={"accepts": ["image"], "about": "image"},
    )
    extend: Literal["out", "left", "right", "up", "down"] | None = Field(
        None, description="Draw on beyond the picture: out all around, or to one side"
    )
    control: Literal["canny", "depth", "pose", "scribble"] | None = Field(
        None, description="What to keep of the picture: its edges, depth, people's pose, or rough outlines"
    )
    control_weight: float = Field(1.0, description="How closely to keep it", ge=0, le=2)
    model: str | None = Field(None, description="Checkpoint to draw with; /models lists them", max_length=80)
    lora: str = Field("", description="LoRAs with weights, such as film:0.8, ink; /models lists them", max_length=200)
    tiling: bool = Field(False, description="Make the edges fit together, for patterns")

    @property
    def words_alone(self) -> bool:
        """Whether it is drawn by nothing but a checkpoint from words."""
        return not any(self.asks(option) for option in APPARATUS)

    @property
    def loras(self) -> tuple[tuple[str, float], ...]:
        """Name and weight of each LoRA. Raises BadInput for a weight that does not fit."""
        return tuple(_lora(each) for each in self.lora.split(",") if each.strip())

    @model_validator(mode="after")
    def what_is_written_in_text_fits(self) -> Self:
        fragments(self.prompt)
        fragments(self.negative)
        if len({name for name, _ in self.loras}) < len(self.loras):
            raise BadInput("lora names one twice. Name each once, with one weight.")
        return self

    @model_validator(mode="after")
    def options_go_together(self) -> Self:
        for option, other in NEEDS.items():
            if self.asks(option) and not self.asks(other):
                raise BadInput("{option} goes with {other}. Give both, or neither.", option=option, other=other)
        for option, other in APART:
            if self.asks(option) and self.asks(other):
                raise BadInput("{option} and {other} do not go together. Leave one out.", option=option, other=other)
        return self

    @model_validator(mode="after")
    def what_to_keep_out_has_an_effect(self) -> Self:
        if self.negative and self.guidance is not None and self.guidance <= 1:
            raise BadInput(
                "negative has no effect at a guidance of {value}. Give a guidance over 1, or leave one of them out.",
                value=self.guidance,
            )
        return self

    @model_validator(mode="after")
    def sizes_are_whole_tiles(self) -> Self:
        for option in ("width", "height"):
            value = getattr(self, option) or 0
            if value % 8:
                raise BadInput(
                    "{option} is {value}; it must be a multiple of 8, such as {near}.",
                    option=option,
                    value=value,
                    near=round(value / 8) * 8,
                )
        return self

    def asks(self, option: str) -> bool:
        """Also `weights`, those in the prompts written in numbers, and `ratios`, shapes that have no name."""
        if option == "weights":
            return numbered(self.prompt) or numbered(self.negative)
        if option == "ratios":
            return ":" in (self.shape or "")
        return super().asks(option)

    def used(self, option: str) -> tuple[str, ...]:
        return tuple(name for name, _ in self.loras) if option == "lora" else super().used(option)


def run(params: Params, context: Context) -> Result:
    """Draw. `seconds` among the facts is from the model being at hand to the pictures being on disk."""
    context.progress("loading", 0)
    with context.model(f"imagine:{params.model}" if params.model else "imagine") as painter:
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


def _lora(written: str) -> tuple[str, float]:
    """`film:0.8`; without a weight it is 1. Raises BadInput."""
    name, colon, weight = (part.strip() for part in written.partition(":"))
    try:
        value = float(weight) if colon else 1.0
    except ValueError:
        value = math.nan
    if not (name and abs(value) <= LORA_WEIGHT):
        raise BadInput(
            "lora has “{value}”; write a name, or a name and its weight from -{most} to {most}, such as film:0.8.",
            value=written.strip()[:40],
            most=LORA_WEIGHT,
        )
    return name, value


def _facts(params: Params, context: Context, seconds: float) -> dict[str, Fact]:
    service = context.service
    made_by: dict[str, Fact] = {"backend": service.backend, "tier": service.tier, "model": service.model}
    return {"prompt": params.prompt, "seed": params.seed or 0, **made_by, "seconds": seconds}


def size(params: Params) -> str:
    """What a drawing's time hangs on."""
    source = "picture" if params.image else "words"
    how = [option for option in APPARATUS if params.asks(option)]
    extent = f"{params.width} x {params.height}" if params.width else params.shape or "square"
    return ", ".join([f"{params.count} {extent}", f"steps {params.steps or 'usual'}", f"from {source}", *how])


def alike(params: Params) -> str | None:
    """Which drawings may share a run: those of one picture each from words alone, in as many steps, of one shape."""
    told = any(params.asks(option) for option in ("guidance", "negative", "variation", "model"))
    return (
        None
        if params.count > 1 or told or not params.words_alone
        else f"{params.shape or 'square'} {params.width} {params.height} {params.steps}"
    )


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
