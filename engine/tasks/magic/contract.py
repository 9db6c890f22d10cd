"""What writers of prompts have in common."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from engine.core.errors import UserMessage
from engine.core.job import Fact

if TYPE_CHECKING:
    from engine.tasks.magic.params import Params

Report = Callable[[str, float], None]
"""Told the stage and the fraction; raises when the job was cancelled."""


@dataclass(frozen=True)
class Writing:
    """A prompt, the style that it is in, and what a person should know of it."""

    prompt: str
    style: str
    notes: tuple[UserMessage, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)


class Writer(Protocol):
    """What writes prompts. `size` is in bytes."""

    @property
    def size(self) -> int: ...

    def close(self) -> None: ...

    def write(self, params: "Params", report: Report) -> Writing: ...


def style_notes(wanted: str, style: str) -> tuple[UserMessage, ...]:
    """That the idea's own medium went before the style that was asked for."""
    if wanted in ("auto", style):
        return ()
    template = "The idea itself says {style}, so style {wanted} was left out."
    return (UserMessage(template=template, facts={"style": style, "wanted": wanted}),)
