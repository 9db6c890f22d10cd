"""Options that several tasks take, each declared once."""

from typing import Annotated

from pydantic import AfterValidator, Field

from engine.errors import BadInput
from engine.job import Media
from engine.scripts.script import Motion, Shape
from engine.subtitles.languages import CODES


def _known(language: str | None) -> str | None:
    if language is not None and language.lower() not in CODES:
        raise BadInput(
            "language is “{value}”; it must be the code of a language, such as en, es or fr.", value=language[:40]
        )
    return language


FilmShape = Annotated[Shape, Field(description="Shape of the video")]
FilmMotion = Annotated[Motion, Field(description="How it moves; auto lets a face talk where somebody speaks")]
Captioned = Annotated[bool, Field(description="Write what is said into the video")]
Music = Annotated[Media | None, Field(description="Music under it", json_schema_extra={"accepts": ["sound"]})]
Voice = Annotated[str, Field(description="Who speaks: man, woman, or the name of a voice", max_length=60)]
Language = Annotated[
    str | None,
    Field(description="Language of the words as a code such as en or es; told by them where left out", examples=["es"]),
    AfterValidator(_known),
]
