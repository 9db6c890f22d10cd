"""What every video generator has in common."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.tasks.film.scripts.script import Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

Report = Callable[[float], None]
"""Told which share is done; raises when the job was cancelled."""


@dataclass(frozen=True)
class VideoRequest:
    """`frames` of a film of `shape`; it begins with `picture`, RGB (H, W, 3) of any size, where there is one."""

    prompt: str
    shape: Shape
    frames: int
    seed: int
    picture: "Picture | None" = None


class VideoGenerator(Protocol):
    """A loaded model. `generate` gives the frames, all of one size, at the film's rate; see `Report` for what it
    raises.
    """

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def close(self) -> None: ...

    def generate(self, request: VideoRequest, report: Report) -> "Iterator[Picture]": ...
