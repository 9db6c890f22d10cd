"""Faces of one picture put on those of another picture, a GIF or a short video."""

import time
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from engine.backends.faceswap import service
from engine.backends.faceswap.choice import Choice
from engine.errors import BadInput
from engine.job import Media, Result
from engine.params import TaskParams
from engine.task import Context, EngineSettings, Task

if TYPE_CHECKING:
    from engine.backends.faceswap.swapper import Swapper


class Params(TaskParams):
    """Without `face`, the largest of target becomes the largest of source."""

    source: Media = Field(description="Picture with the face to take", json_schema_extra={"accepts": ["image"]})
    target: Media = Field(
        description="Picture, GIF or short video to put it in", json_schema_extra={"accepts": ["image", "video"]}
    )
    face: str | None = Field(
        None,
        description="Faces of target, numbered from the left: 2 or 1,3 or all; 1=2 gives face 1 face 2 of source",
        max_length=60,
        examples=["2"],
    )
    blend: float = Field(1, description="How much of the new face, from 0 to 1", ge=0, le=1, examples=[0.8])
    marker: bool = Field(False, description="Write into the corner that a face was swapped")

    @model_validator(mode="after")
    def face_can_be_read(self) -> Self:
        Choice.of(self.face)
        return self


def run(params: Params, context: Context) -> Result:
    """`seconds` among the facts is from the model being at hand to the result being on disk."""
    from engine.backends.faceswap.work import Swap  # loads NumPy and OpenCV

    if not params.source.mime.startswith("image/"):
        raise BadInput("source must be a picture. Attach one.")
    if not params.target.mime.startswith(("image/", "video/")):
        raise BadInput("target must be a picture, a GIF or a video. Attach one.")
    context.progress("loading", 0)
    with context.model("faceswap") as swapper:
        begun = time.monotonic()
        made = Swap(params, context, swapper).run()
        seconds = round(time.monotonic() - begun, 2)
    here = context.service
    facts = {"backend": here.backend, "tier": here.tier, "model": here.model, **made.facts, "seconds": seconds}
    return made.model_copy(update={"facts": facts})


def size(params: Params) -> str:
    """What the time hangs on: the target's bytes and pixels, to the nearest power of two."""
    target = params.target
    area = (target.width or 0) * (target.height or 0)
    return f"{target.mime}, 2^{max(area, target.bytes).bit_length()}"


def load(settings: EngineSettings) -> "Swapper":
    return service.load(settings)


TASK = Task(
    name="faceswap", version=service.VERSION, params=Params, run=run, choose=service.choose, load=load, size=size
)
