"""What all prompt writers have in common."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from engine.core.errors import UserMessage
from engine.core.job import Fact

if TYPE_CHECKING:
    from engine.tasks.magic.params import Params

Report = Callable[[str, float], None]
"""Called with the stage and the fraction done. Raises Cancelled if the job was cancelled."""


@dataclass(frozen=True)
class Writing:
    """A prompt, its style, and notes and facts for the user."""

    prompt: str
    style: str
    notes: tuple[UserMessage, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)


class Writer(Protocol):
    """A prompt writer."""

    @property
    def size(self) -> int:
        """Bytes used on the device."""

    def close(self) -> None:
        """Release the model."""

    def write(self, params: "Params", report: Report) -> Writing:
        """Return a prompt for the idea in `params`. Raises what `report` raises."""


def style_notes(wanted: str, style: str) -> tuple[UserMessage, ...]:
    """Return a note if the idea names another style than the one that was requested."""
    if wanted in ("auto", style):
        return ()
    template = "Your idea already names a style ({style}), so {wanted} was not added."
    return (UserMessage(template=template, facts={"style": style, "wanted": wanted}),)
