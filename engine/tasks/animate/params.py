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
        None, description="Speech that it moves to", json_schema_extra={"accepts": ["sound", "video"]}
    )
    text: str | None = Field(
        None,
        description="What it says, instead of audio",
        min_length=1,
        max_length=1500,
        examples=["Hello, I am a picture that speaks."],
        json_schema_extra={"rest": True},
    )
    language: Language = None
    voice: Voice = ""
    style: Literal["natural", "calm", "lively"] = Field("natural", description="How much it moves", examples=["lively"])
    lip_zero: bool = Field(True, description="Shut the picture's lips first, so that a smile can speak")
    eye_retargeting: bool = Field(True, description="Let it blink; off keeps the eyes of the picture")
    stitching: bool = Field(True, description="Keep the shoulders still")
    seed: int | None = Field(
        None, description="Leave out for the movement everyone gets, -1 for a new one", ge=-1, le=MAX_SEED
    )

    @model_validator(mode="after")
    def check_speech_source(self) -> Self:
        """Raise BadInput unless exactly one of audio and text is given."""
        if (self.audio is None) == (self.text is None):
            raise BadInput("Give what it says: either audio, a recording, or text, words to be spoken.")
        return self
