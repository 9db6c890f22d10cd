"""The options of `faceswap`."""

from typing import Self

from pydantic import Field, model_validator

from engine.core.job import Media
from engine.core.params import TaskParams
from engine.tasks.faceswap.face_selection import FaceSelection


class Params(TaskParams):
    """Without `face`, the largest face of the target becomes the largest of the source."""

    source: Media = Field(description="Picture with the new face", json_schema_extra={"accepts": ["image"]})
    target: Media = Field(
        description="Picture, GIF or short video to put it in", json_schema_extra={"accepts": ["image", "video"]}
    )
    face: str | None = Field(
        None,
        description="Which faces of target, from the left: 2, or 1,3, or all; 1=2 gives face 1 the face 2 of source",
        max_length=60,
        examples=["2"],
    )
    blend: float = Field(1, description="How much of the new face to use, from 0 to 1", ge=0, le=1, examples=[0.8])
    marker: bool = Field(False, description="Mark the picture as a face swap in the corner")

    @model_validator(mode="after")
    def face_can_be_read(self) -> Self:
        """Raise BadInput for a `face` that cannot be parsed."""
        FaceSelection.of(self.face)
        return self
