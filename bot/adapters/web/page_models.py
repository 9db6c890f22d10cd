"""The data that the chat page starts with, as frozen models."""

from typing import Literal, Self

from pydantic import JsonValue

from bot.adapters.web.models import Answer
from engine.core.options import Option


class PageOption(Answer):
    """An option of a command. `minimum` and `maximum` bound a number, or the characters of a text."""

    name: str
    kind: Literal["text", "integer", "number", "flag", "choice", "media"]
    description: str
    required: bool
    default: JsonValue
    choices: tuple[JsonValue, ...]
    minimum: int | float | None
    maximum: int | float | None
    rest: bool
    """Whether the option takes the rest of a typed line."""
    positional: bool
    """Whether the option may be typed without its name."""
    accepts: tuple[str, ...]
    """The kinds of files that the option takes."""
    about: str

    @classmethod
    def of(cls, option: Option, description: str) -> Self:
        """Return the option with its description in the visitor's language."""
        return cls.model_validate({**vars(option), "description": description})


class PageCommand(Answer):
    """A command that can be typed."""

    name: str
    description: str
    default: bool
    """Whether a line without a command runs it."""
    options: tuple[PageOption, ...]


class Page(Answer):
    """The data that the chat page starts with, in the visitor's language."""

    language: str
    commands: tuple[PageCommand, ...]
    file_bytes: int
    """The largest size of a file."""
