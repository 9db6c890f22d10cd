"""The addresses of a command in the HTTP API. The web adapter serves them, and the API's document describes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.report_models import StatusReport

Facts = Mapping[str, Any]
"""The facts of a command's reply."""


@dataclass(frozen=True)
class Route:
    """The address `POST path`, which takes the command's options as JSON or as a form.

    Without `media` it answers with the state of the queued job. With `media`, the kinds of files that the command
    makes, such as `("image", "video")`, it waits for the result and answers with its files as data URIs; then `facts`
    are the types of the facts that every result has. `aliases` maps other names of options to the options' names.
    """

    path: str
    media: tuple[str, ...] = ()
    facts: Mapping[str, type] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Return whether the address waits for the result."""
        return bool(self.media)

    @property
    def answers_with_video(self) -> bool:
        """Return whether every result is one video."""
        return self.media == ("video",)

    def rename(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields with aliases replaced by the options' names."""
        return {self.aliases.get(name, name): value for name, value in fields.items()}


@dataclass(frozen=True)
class Report:
    """The address `GET path`, which runs the command without options and answers with its facts as a `model`.

    `select` returns the part of the command's facts that belongs here.
    """

    path: str
    model: type[StatusReport]
    select: Callable[[Facts], Facts] = dict

    @property
    def summary(self) -> str:
        """Return what the facts are."""
        return (self.model.__doc__ or "").removesuffix(".")
