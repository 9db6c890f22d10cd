"""The options of `subtitle`."""

from typing import Literal, Self

from pydantic import Field, model_validator

from engine.core.errors import BadInput
from engine.core.job import Media
from engine.core.params import TaskParams
from engine.tasks.subtitle.drawing.styles import COLOURS
from engine.tasks.subtitle.languages import CODES

LOOKS = ("style", "font", "size", "colour", "place")
"""Options that say how subtitles are drawn."""


class Params(TaskParams):
    """What to subtitle and how. A missing `language` is heard from the speech, a missing `size` is the style's."""

    media: Media = Field(description="Sound or video with speech", json_schema_extra={"accepts": ["sound", "video"]})
    language: str | None = Field(
        None, description="Language of the speech as a code such as en or es; heard where left out", examples=["es"]
    )
    translate: bool = Field(False, description="Subtitles in English instead of the language of the speech")
    bilingual: bool = Field(False, description="Both: the language of the speech, and English under it")
    style: Literal["plain", "boxed", "karaoke", "large"] = Field(
        "plain", description="How the subtitles look", examples=["karaoke"]
    )
    burn: bool = Field(True, description="Draw them into the pictures; off makes a track that players can hide")
    font: Literal["sans", "serif"] = Field("sans", description="Shape of the letters")
    size: float | None = Field(
        None, description="Height of the letters in percent of the picture's shorter side", ge=2, le=15, examples=[6]
    )
    colour: str = Field("white", description="Colour of the letters: a name, or one such as #ffcc00")
    place: Literal["bottom", "top"] = Field("bottom", description="Where on the picture")
    format: Literal["srt", "vtt", "ass"] = Field("srt", description="Format of the subtitles' own file")
    srt: Media | None = Field(
        None,
        description="Subtitles to draw instead of listening: an edited SRT",
        json_schema_extra={"accepts": ["subtitles"]},
    )

    @model_validator(mode="after")
    def check_language(self) -> Self:
        if self.language is not None and self.language.lower() not in CODES:
            raise BadInput(
                "language is “{value}”; it must be the code of a language that Whisper hears, such as en, es or fr.",
                value=self.language[:40],
            )
        return self

    @model_validator(mode="after")
    def check_colour(self) -> Self:
        digits = self.colour.removeprefix("#").lower()
        shaped = self.colour.startswith("#") and len(digits) == 6 and set(digits) <= set("0123456789abcdef")
        if not shaped and self.colour not in COLOURS:
            raise BadInput(
                "colour is “{value}”; it must be one of {names}, or a # and six digits such as #ffcc00.",
                value=self.colour[:40],
                names=", ".join(COLOURS),
            )
        return self

    @model_validator(mode="after")
    def looks_are_drawn_somewhere(self) -> Self:
        drawn = self.burn or self.format == "ass" or not self.media.mime.startswith("video/")
        for option in () if drawn else LOOKS:
            if self.is_set(option):
                raise BadInput(
                    "{option} has no effect with burn off: players draw a track in their own way."
                    " Leave one of them out.",
                    option=option,
                )
        return self

    @model_validator(mode="after")
    def one_language_at_a_time(self) -> Self:
        if self.translate and self.bilingual:
            raise BadInput("translate shows English alone and bilingual shows both. Leave one of them out.")
        if self.srt is not None and (self.translate or self.bilingual):
            raise BadInput("srt is drawn as it stands, so translate and bilingual do not go with it. Leave them out.")
        return self
