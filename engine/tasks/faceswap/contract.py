"""The interface of the two face swappers: the embedded mesh and the full tier's network."""

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from engine.tasks.faceswap.people import Likeness

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]


class DetectedFace(Protocol):
    """A face in a picture, at any angle.

    `box` is left, top, right, bottom in pixels. `width` is measured in pixels along the line of the eyes, `yaw` in
    degrees to the right of an upright head. `marks` (N, 2 or 3) are its landmarks.
    """

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom in pixels."""

    @property
    def area(self) -> float:
        """Return the area of the box in pixels."""

    @property
    def width(self) -> float:
        """Return the width in pixels along the line of the eyes."""

    @property
    def yaw(self) -> float:
        """Return the yaw in degrees, to the right of an upright head."""

    @property
    def marks(self) -> Values:
        """Return the landmarks (N, 2 or 3) in pixels."""

    def with_marks(self, marks: Values) -> Self:
        """Return the same face with other landmarks."""

    def share_outside(self, shape: tuple[int, ...]) -> float:
        """Return the share of the face outside a picture of `shape`."""


class Unfinished(Protocol):
    """A face that a device is still working on."""

    def finish(self) -> None:
        """Wait for the face and put it in its place."""


class Swapper(Protocol):
    """The pool's model. Pictures are uint8 (H, W, 3) RGB.

    `most_yaw` holds the largest yaw of a source and of a target in degrees. `likeness` says how far apart the vectors
    of `embedding` may be.
    """

    most_yaw: tuple[float, float]
    likeness: Likeness

    @property
    def size(self) -> int:
        """Return the bytes of the networks."""

    def close(self) -> None:
        """Release the networks' memory."""

    def faces(self, picture: Picture) -> Sequence[Any]:
        """Return every face from left to right, however long that takes."""
        ...

    def detect_fast(self, picture: Picture) -> Sequence[Any]:
        """Return the faces in a frame of a video."""
        ...

    def track(self, picture: Picture, face: Any) -> Any | None:
        """Return a face of the previous frame as it is in this one, or None if it is gone."""
        ...

    def embedding(self, picture: Picture, face: Any) -> Values | None:
        """Return a vector that identifies the person across pictures, or None where people cannot be told apart."""
        ...

    def identity(self, picture: Picture, face: Any) -> Any:
        """Return what a source's face transfers to other faces."""
        ...

    def begin(
        self, identity: Any, picture: Picture, face: Any, blend: float, *, fine: bool = True
    ) -> "Unfinished | None":
        """Put the identity on `face` in place, or begin to. The picture is complete once the result is finished.

        `blend` 1 replaces the face, 0 keeps it. `fine` is slower and better, for stills.
        """
        ...
