"""The options of `imagine`."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from engine.core.errors import BadInput
from engine.core.job import Media
from engine.core.params import MAX_PROMPT_CHARACTERS, MAX_SEED, TaskParams
from engine.tasks.imagine.prompt_weights import fragments, has_explicit_weights

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
"""Maps an option to the option without which it means nothing."""

APART = (
    *((one, part) for one in ("shape", "width") for part in ("mask", "extend")),
    ("shape", "width"),
    ("mask", "extend"),
    ("variation", "image"),
    *(("tiling", source) for source in ("mask", "extend")),
)
"""Pairs of options that exclude each other."""

MAX_LORA_WEIGHT = 2.0
"""Largest absolute weight of a LoRA."""

APPARATUS = ("image", "mask", "extend", "control", "lora", "tiling")
"""Options that need more than a checkpoint and a prompt."""


class Params(TaskParams):
    """What to draw and how. The model's own defaults apply to a missing `steps`, `guidance` or `strength`.

    `image` is where drawing starts, and `strength` is how far the result may depart from it. The picture is redrawn
    where `mask` is white, continued beyond its edges by `extend`, or imitated in one respect by `control`. With
    `control`, drawing starts from the picture only if `strength` is given.
    """

    prompt: str = Field(
        description="What to draw",
        min_length=1,
        max_length=MAX_PROMPT_CHARACTERS,
        examples=["a castle at night"],
        json_schema_extra={"rest": True},
    )
    shape: Shapes | None = Field(
        None, description="Shape; by default square, or the shape of your picture", examples=["wide"]
    )
    count: int = Field(1, description="How many pictures", ge=1, le=4, examples=[2])
    steps: int | None = Field(None, description="Steps; more is slower and more detailed", ge=1, le=50)
    guidance: float | None = Field(None, description="How closely to follow the prompt", ge=0, le=20)
    negative: str = Field("", description="What to keep out of the picture", max_length=MAX_PROMPT_CHARACTERS)
    seed: int | None = Field(None, description="Same seed, same picture; -1 for a random one", ge=-1, le=MAX_SEED)
    width: int | None = Field(None, description="Exact width in pixels, with height, instead of shape", ge=64, le=4096)
    height: int | None = Field(None, description="Exact height in pixels, with width", ge=64, le=4096)
    variation: float | None = Field(None, description="How far to vary the picture towards another seed", ge=0, le=1)
    variation_seed: int | None = Field(
        None, description="Seed to vary towards; by default the next one", ge=0, le=MAX_SEED
    )
    image: Media | None = Field(None, description="Picture to start from", json_schema_extra={"accepts": ["image"]})
    strength: float | None = Field(None, description="How much to change your picture", ge=0.05, le=1)
    mask: Media | None = Field(
        None,
        description="White where the picture is redrawn, black where it stays",
        json_schema_extra={"accepts": ["image"], "about": "image"},
    )
    extend: Literal["out", "left", "right", "up", "down"] | None = Field(
        None, description="Extend the picture: out on all sides, or to one side"
    )
    control: Literal["canny", "depth", "pose", "scribble"] | None = Field(
        None, description="What to keep of your picture: edges, depth, people's pose, or rough outlines"
    )
    control_weight: float = Field(1.0, description="How strictly to keep it", ge=0, le=2)
    model: str | None = Field(None, description="Model to draw with; see /models", max_length=80)
    lora: str = Field("", description="LoRAs with weights, such as film:0.8, ink; see /models", max_length=200)
    tiling: bool = Field(False, description="Make a seamless pattern")

    @property
    def is_text_only(self) -> bool:
        """Return whether only a checkpoint and a prompt are needed."""
        return not any(self.is_set(option) for option in APPARATUS)

    @property
    def loras(self) -> tuple[tuple[str, float], ...]:
        """Return the name and weight of each LoRA. Raises BadInput for a malformed or excessive weight."""
        return tuple(_lora(each) for each in self.lora.split(",") if each.strip())

    @model_validator(mode="after")
    def what_is_written_in_text_fits(self) -> Self:
        """Raise BadInput for malformed prompt weights, or a LoRA that is named twice."""
        fragments(self.prompt)
        fragments(self.negative)
        if len({name for name, _ in self.loras}) < len(self.loras):
            raise BadInput("lora has the same name twice. Use each name once.")
        return self

    @model_validator(mode="after")
    def options_go_together(self) -> Self:
        """Raise BadInput for an option without the one that it needs, or with one that it excludes."""
        for option, other in NEEDS.items():
            if self.is_set(option) and not self.is_set(other):
                raise BadInput(
                    "{option} needs {other}. Add {other}, or leave {option} out.", option=option, other=other
                )
        for option, other in APART:
            if self.is_set(option) and self.is_set(other):
                raise BadInput(
                    "{option} and {other} can't be used together. Leave one out.", option=option, other=other
                )
        return self

    @model_validator(mode="after")
    def what_to_keep_out_has_an_effect(self) -> Self:
        """Raise BadInput for a negative prompt at a guidance scale where it has no effect."""
        if self.negative and self.guidance is not None and self.guidance <= 1:
            raise BadInput(
                "negative has no effect when guidance is {value}. Set guidance above 1, or leave one of them out.",
                value=self.guidance,
            )
        return self

    @model_validator(mode="after")
    def sizes_are_whole_tiles(self) -> Self:
        """Raise BadInput for a width or height that is not a multiple of 8."""
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

    def is_set(self, option: str) -> bool:
        """Return whether an option is set. `weights` stands for explicit weights in a prompt, `ratios` for a shape
        without a name.
        """
        if option == "weights":
            return has_explicit_weights(self.prompt) or has_explicit_weights(self.negative)
        if option == "ratios":
            return ":" in (self.shape or "")
        return super().is_set(option)

    def chosen_names(self, option: str) -> tuple[str, ...]:
        """Return the names of models that `option` chooses; for `lora`, the LoRAs without their weights."""
        return tuple(name for name, _ in self.loras) if option == "lora" else super().chosen_names(option)


def _lora(written: str) -> tuple[str, float]:
    """Parse `film:0.8`; the weight is 1 where there is none. Raises BadInput."""
    name, colon, weight = (part.strip() for part in written.partition(":"))
    try:
        value = float(weight) if colon else 1.0
    except ValueError:
        value = math.nan
    if not (name and abs(value) <= MAX_LORA_WEIGHT):
        raise BadInput(
            "lora has “{value}”. Use a name, or a name with a weight from -{most} to {most}, such as film:0.8.",
            value=written.strip()[:40],
            most=MAX_LORA_WEIGHT,
        )
    return name, value
