"""The options of `upscale`."""

from typing import Self

from pydantic import Field, model_validator

from engine.core.errors import TooLarge
from engine.core.job import Media
from engine.core.params import TaskParams
from engine.tasks.upscale.realesrgan.networks import Name
from engine.tasks.upscale.scale import AUTOMATIC_SCALES, Limit, result_size

MAX_PIXELS = 8192 * 8192
"""Most pixels in an enlarged picture."""
PICTURE_LIMIT = Limit(MAX_PIXELS)


class Params(TaskParams):
    """The default scale is the largest of AUTOMATIC_SCALES whose result is within the limits.

    The default model is the one for photographs, or the fast one for animations and for large pictures on a CPU.
    """

    image: Media = Field(
        description="Picture, GIF or short video to enlarge", json_schema_extra={"accepts": ["image", "video"]}
    )
    scale: float | None = Field(
        None,
        description="How many times larger, from 2 to 4; by default 4, or 2 where 4 is too large",
        ge=AUTOMATIC_SCALES[-1],
        le=AUTOMATIC_SCALES[0],
        examples=[2],
    )
    model: Name | None = Field(
        None,
        description="Model: x4plus for photos, anime_6B for drawings, animevideov3 for speed",
        examples=["RealESRGAN_x4plus_anime_6B"],
    )

    @model_validator(mode="after")
    def the_result_is_not_too_large(self) -> Self:
        """Raise TooLarge for a result of more than MAX_PIXELS."""
        width, height = self.image.width or 0, self.image.height or 0
        scale = self.scale or AUTOMATIC_SCALES[-1]
        if not PICTURE_LIMIT.allows(result_size((height, width), scale)):
            raise TooLarge(
                "image is {width} x {height} pixels; at scale {scale:g} the result would be over the limit of"
                " {bound:,}. Choose a smaller scale or picture.",
                width=width,
                height=height,
                scale=scale,
                bound=MAX_PIXELS,
            )
        return self
