"""A picture, a GIF or a short video at two to four times its size."""

import time
from typing import Self

from pydantic import Field, model_validator

from engine.backends.realesrgan import networks
from engine.backends.realesrgan.networks import Name
from engine.errors import BadInput, TooLarge
from engine.job import Media, Result
from engine.params import TaskParams
from engine.task import Context, EngineSettings, Task

MOST_PIXELS = 8192 * 8192
"""What a picture may have when it is enlarged."""


class Params(TaskParams):
    """Without `model`, the one for photographs; for what moves, and for large pictures on the CPU, the fast one."""

    image: Media = Field(
        description="Picture, GIF or short video to enlarge", json_schema_extra={"accepts": ["image", "video"]}
    )
    scale: float = Field(4, description="How many times wider and higher", ge=2, le=4, examples=[2])
    model: Name | None = Field(
        None,
        description="Network: x4plus for photographs, anime_6B for drawings, animevideov3 is fast",
        examples=["RealESRGAN_x4plus_anime_6B"],
    )

    @model_validator(mode="after")
    def the_result_is_not_too_large(self) -> Self:
        width, height = self.image.width or 0, self.image.height or 0
        made = round(width * self.scale) * round(height * self.scale)
        if made > MOST_PIXELS:
            raise TooLarge(
                "image is {width} x {height} pixels; {scale} times that is over the {bound} pixels that a result may"
                " have. Ask for a smaller scale, or attach a smaller picture.",
                width=width,
                height=height,
                scale=f"{self.scale:g}",
                bound=MOST_PIXELS,
            )
        return self


def run(params: Params, context: Context) -> Result:
    """`seconds` among the facts is from the model being at hand to the result being on disk."""
    from engine.backends.realesrgan.work import enlarge  # loads NumPy

    if not params.image.mime.startswith(("image/", "video/")):
        raise BadInput("image must be a picture, a GIF or a video. Attach one.")
    context.progress("loading", 0)
    with context.model("upscale") as upscalers:
        begun = time.monotonic()
        media, notes, facts = enlarge(params, context, upscalers)
        seconds = round(time.monotonic() - begun, 2)
    return Result(media=(media,), notes=notes, facts={**facts, "scale": params.scale, "seconds": seconds})


def size(params: Params) -> str:
    """What the time hangs on: the network's pixels, to the nearest power of two."""
    image = params.image
    area = (image.width or 0) * (image.height or 0)
    return f"{params.model or 'usual'}, {image.mime}, 2^{max(area, image.bytes).bit_length()}"


def load(settings: EngineSettings) -> networks.Upscalers:
    return networks.Upscalers(settings)


TASK = Task(
    name="upscale", version=networks.VERSION, params=Params, run=run, choose=networks.choose, load=load, size=size
)
