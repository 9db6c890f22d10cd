"""Options of the `subtitle` task."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from engine.core.errors import BadInput
from engine.core.job import Media
from engine.core.params import TaskParams
from engine.tasks.subtitle.drawing.styles import COLOURS
from engine.tasks.subtitle.languages import CODES

STYLE_OPTIONS = ("style", "font", "size", "colour", "place")
"""Options for how subtitles are drawn."""


class Params(TaskParams):
    """What to subtitle, and how. With `language` None, the language is detected; with `size` None, the style sets the
    size.
    """

    media: Media = Field(description="Audio or video with speech", json_schema_extra={"accepts": ["sound", "video"]})
    language: str | None = Field(
        None, description="Language spoken, as a code such as en or es; detected by default", examples=["es"]
    )
    translate: bool = Field(False, description="Translate the subtitles into English")
    bilingual: bool = Field(False, description="Show both the original language and English")
    style: Literal["plain", "boxed", "karaoke", "large"] = Field(
        "plain", description="How the subtitles look", examples=["karaoke"]
    )
    burn: bool = Field(True, description="Burn them into the picture; off adds a track that players can hide")
    font: Literal["sans", "serif"] = Field("sans", description="Font")
    size: float | None = Field(
        None, description="Letter height, as a percentage of the picture's shorter side", ge=2, le=15, examples=[6]
    )
    colour: str = Field("white", description="Text colour: a name, or a code such as #ffcc00")
    place: Literal["bottom", "top"] = Field("bottom", description="Position on the picture")
    format: Literal["srt", "vtt", "ass"] = Field("srt", description="Format of the subtitle file")
    srt: Media | None = Field(
        None,
        description="Your own subtitles (SRT or WebVTT), used instead of transcribing",
        json_schema_extra={"accepts": ["subtitles"]},
    )

    @field_validator("colour")
    @classmethod
    def ignore_case(cls, colour: str) -> str:
        """Return the colour in lower case: "Red" is red."""
        return colour.lower()

    @model_validator(mode="after")
    def check_language(self) -> Self:
        """Raise BadInput if Whisper does not know the language."""
        if self.language is not None and self.language.lower() not in CODES:
            raise BadInput(
                "Whisper doesn't know the language “{value}”. Use a code such as en, es or fr.",
                value=self.language[:40],
            )
        return self

    @model_validator(mode="after")
    def check_colour(self) -> Self:
        """Raise BadInput unless the colour is a known name or `#rrggbb`."""
        digits = self.colour.removeprefix("#")
        is_code = self.colour.startswith("#") and len(digits) == 6 and set(digits) <= set("0123456789abcdef")
        if not is_code and self.colour not in COLOURS:
            raise BadInput(
                "There is no colour “{value}”. Use one of {names}, or a code such as #ffcc00.",
                value=self.colour[:40],
                names=", ".join(COLOURS),
            )
        return self

    @model_validator(mode="after")
    def check_style_has_effect(self) -> Self:
        """Raise BadInput for a style option if no output would show it."""
        is_drawn = self.burn or self.format == "ass" or not self.media.mime.startswith("video/")
        for option in () if is_drawn else STYLE_OPTIONS:
            if self.is_set(option):
                raise BadInput(
                    "{option} has no effect when burn is off, because the player decides how a track looks. "
                    "Remove one of them.",
                    option=option,
                )
        return self

    @model_validator(mode="after")
    def check_one_language(self) -> Self:
        """Raise BadInput if options ask for translation in ways that exclude each other."""
        if self.translate and self.bilingual:
            raise BadInput("translate shows only English and bilingual shows both languages. Choose one of them.")
        if self.srt is not None and (self.translate or self.bilingual):
            raise BadInput("Subtitles from a file can't be translated. Remove translate and bilingual, or remove srt.")
        return self
