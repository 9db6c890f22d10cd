"""Options that several tasks share, each declared once."""

from typing import Annotated

from pydantic import AfterValidator, Field

from engine.core.errors import BadInput
from engine.core.job import Media
from engine.tasks.film.scripts.script import Motion, Shape
from engine.tasks.speech import languages
from engine.tasks.subtitle.languages import CODES


def check_spoken_language(language: str | None) -> str | None:
    """Return `language` in its normal form. Raises BadInput for one that no voice here speaks."""
    if language is not None and not languages.is_spoken(languages.normalize_code(language)):
        raise languages.unknown_language_error(language)
    return language and languages.normalize_code(language)


def check_heard_language(language: str | None) -> str | None:
    """Return `language` in its normal form. Raises BadInput for one that Whisper does not transcribe; a dialect counts
    as its language.
    """
    if language is not None and not _is_heard(language):
        raise BadInput(
            "Whisper doesn't know the language “{value}”. Use a code such as en, es or fr.",
            value=language[:40],
        )
    return language and languages.normalize_code(language)


def _check_either_language(language: str | None) -> str | None:
    return (
        check_heard_language(language)
        if language is not None and _is_heard(language)
        else check_spoken_language(language)
    )


def _is_heard(language: str) -> bool:
    code = languages.normalize_code(language)
    return (languages.base_language(code) if languages.is_dialect(code) else code) in CODES


FilmShape = Annotated[Shape, Field(description="Aspect ratio of the video")]
FilmMotion = Annotated[Motion, Field(description="How it moves; with auto, a face talks when someone speaks")]
Captioned = Annotated[bool, Field(description="Add subtitles to the video")]
Music = Annotated[Media | None, Field(description="Background music", json_schema_extra={"accepts": ["sound"]})]
Voice = Annotated[str, Field(description="Voice: man, woman or the name of a voice", max_length=60)]
_Code = Annotated[
    str | None,
    Field(description="Language, as a code such as en or pt-br; detected by default", examples=["es"]),
]
Language = Annotated[_Code, AfterValidator(check_spoken_language)]
"""The language of text to be spoken."""
AnyLanguage = Annotated[_Code, AfterValidator(_check_either_language)]
"""The language of text to be spoken or of a recording. The task checks it by `check_spoken_language` or
`check_heard_language`.
"""
