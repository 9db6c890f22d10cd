"""The interface that every image generator implements."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from engine.core.errors import UserMessage
from engine.core.job import Fact
from engine.text.readable import readable_form, unreadable_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.tasks.imagine.params import Params

    Picture = NDArray[np.uint8]
    Report = Callable[[str, float, Picture | None], None]
    ReportOf = Callable[[int, str, float, Picture | None], None]


@dataclass(frozen=True)
class GeneratedImages:
    """Pictures, uint8 (H, W, 3) RGB, with the notes to show with them and facts about how they were made."""

    pictures: "list[Picture]"
    notes: tuple[UserMessage, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)


class ImageGenerator(Protocol):
    """A loaded model that draws.

    `report(stage, fraction, preview)` raises when the job was cancelled. A generator whose capability allows more than
    one job in a run also has `generate_batch`.
    """

    @property
    def size(self) -> int:
        """Return the bytes that the model takes on its device."""

    def close(self) -> None:
        """Release the model's memory."""

    def generate(self, params: "Params", report: "Report") -> GeneratedImages:
        """Return the pictures that `params` describes. Raises BadInput for options that the model cannot honour."""


def unread_words(params: "Params") -> str:
    """Return the words of both prompts in scripts that the models never learned, shortened to 80 characters, or ""."""
    words = unreadable_words(f"{readable_form(params.prompt)} {readable_form(params.negative)}")
    return textwrap.shorten(" ".join(words), 80, placeholder="…")
