"""The options of `animate`."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from engine.core.errors import BadInput
from engine.core.job import Media
from engine.core.params import MAX_SEED, TaskParams
from engine.tasks.options import Language, Voice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]


class Params(TaskParams):
    """A portrait, with a recording or a text that it speaks."""

    portrait: Media = Field(description="Picture of a face", json_schema_extra={"accepts": ["image"]})
    audio: Media | None = Field(
        None, description="Recording of what it should say", json_schema_extra={"accepts": ["sound", "video"]}
    )
    text: str | None = Field(
        None,
        description="What it should say, instead of a recording",
        min_length=1,
        max_length=1500,
        examples=["Hello, I am a picture that speaks."],
        json_schema_extra={"rest": True},
    )
    language: Language = None
    voice: Voice = ""
    style: Literal["natural", "calm", "lively"] = Field("natural", description="How much it moves", examples=["lively"])
    lip_zero: bool = Field(True, description="Close the lips before it speaks, in case it smiles")
    eye_retargeting: bool = Field(True, description="Blink; off keeps the eyes as they are")
    stitching: bool = Field(True, description="Keep the shoulders still")
    seed: int | None = Field(None, description="Same seed, same movement; -1 for a random one", ge=-1, le=MAX_SEED)

    @model_validator(mode="after")
    def check_speech_source(self) -> Self:
        """Raise BadInput unless exactly one of audio and text is given."""
        if (self.audio is None) == (self.text is None):
            raise BadInput("What should it say? Type text or attach audio, not both.")
        return self
