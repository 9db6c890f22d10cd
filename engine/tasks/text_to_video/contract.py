"""The interface that every video generator implements."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.tasks.film.scripts.script import Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

Report = Callable[[float], None]
"""Receives the share that is done. Raises when the job was cancelled."""


@dataclass(frozen=True)
class VideoRequest:
    """A clip of `frames` frames in `shape`. It starts with `picture`, RGB (H, W, 3) of any size, unless that is
    None.
    """

    prompt: str
    shape: Shape
    frames: int
    seed: int
    picture: "Picture | None" = None


class VideoGenerator(Protocol):
    """A loaded model."""

    @property
    def name(self) -> str:
        """Return the model's name."""

    @property
    def size(self) -> int:
        """Return the bytes of the weights on the device."""

    def close(self) -> None:
        """Release the model's memory."""

    def generate(self, request: VideoRequest, report: Report) -> "Iterator[Picture]":
        """Yield the frames, all of one size, at the film's frame rate. Raises what `report` raises."""
