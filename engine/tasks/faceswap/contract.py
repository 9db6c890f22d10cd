"""What puts faces on others: the embedded mesh or the full tier's network, behind one interface."""

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from engine.tasks.faceswap.people import Likeness

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]


class DetectedFace(Protocol):
    """A face in a picture, turned by any angle. `box` is left, top, right, bottom in pixels.

    `width` is in pixels along the line of the eyes, `yaw` in degrees to the right of an upright head.
    `marks` (N, 2 or 3) are where its parts are, of which `at` makes the same face elsewhere; `outside` is the share of
    it that lies out of a picture of that shape.
    """

    @property
    def box(self) -> tuple[float, float, float, float]: ...

    @property
    def area(self) -> float: ...

    @property
    def width(self) -> float: ...

    @property
    def yaw(self) -> float: ...

    @property
    def marks(self) -> Values: ...

    def at(self, marks: Values) -> Self: ...

    def outside(self, shape: tuple[int, ...]) -> float: ...


class Unfinished(Protocol):
    """A face that a device is still at work on."""

    def finish(self) -> None: ...


class Swapper(Protocol):
    """The pool's model. Pictures are uint8 (H, W, 3) RGB. `most_yaw`: how far a source and a target may look aside.

    `likeness` says how far apart the vectors of `embedding` may be.
    """

    most_yaw: tuple[float, float]
    likeness: Likeness

    @property
    def size(self) -> int: ...

    def close(self) -> None: ...

    def faces(self, picture: Picture) -> Sequence[Any]:
        """Every face, from left to right, however long that takes."""
        ...

    def detect_fast(self, picture: Picture) -> Sequence[Any]:
        """The faces of a frame of a video."""
        ...

    def track(self, picture: Picture, face: Any) -> Any | None:
        """The face of the frame before in this one; None where it is gone."""
        ...

    def embedding(self, picture: Picture, face: Any) -> Values | None:
        """Return who it is, a vector that is much the same in other pictures; None where that cannot be told."""
        ...

    def identity(self, picture: Picture, face: Any) -> Any:
        """What a source's face gives to others."""
        ...

    def begin(
        self, identity: Any, picture: Picture, face: Any, blend: float, *, fine: bool = True
    ) -> "Unfinished | None":
        """Put it on `face`, in place, or begin to: the picture is whole once what was begun in it is finished.

        `blend` 1 is all of it, 0 nothing; `fine` is slower, for stills.
        """
        ...
