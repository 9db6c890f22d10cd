"""What every image generator has in common."""

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
    """Pictures, each H,W,3 in 0..255, with what a person should know of how they were made."""

    pictures: "list[Picture]"
    notes: tuple[UserMessage, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)


class ImageGenerator(Protocol):
    """A loaded model that draws. `report(stage, fraction, preview)` raises when the job was cancelled.

    One whose service says that it does several jobs `together` has `generate_batch` too.
    """

    @property
    def size(self) -> int: ...

    def close(self) -> None: ...

    def generate(self, params: "Params", report: "Report") -> GeneratedImages: ...


def unread_words(params: "Params") -> str:
    """Return the words of both prompts that are in no script that these models learned, shortened; "" without any."""
    words = unreadable_words(f"{readable_form(params.prompt)} {readable_form(params.negative)}")
    return textwrap.shorten(" ".join(words), 80, placeholder="…")
