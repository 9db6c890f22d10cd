"""The interface that every portrait animator implements."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.tasks.animate.audio_motion.driving_audio import Speech
    from engine.tasks.animate.options import AnimationOptions
    from engine.vision.faces.face import Face

    Picture = NDArray[np.uint8]


class PortraitAnimator(Protocol):
    """Loaded networks. `name` identifies them; `motion_by` is the source of motion, "joyvasa" or "envelope"."""

    @property
    def size(self) -> int:
        """Return the bytes of the networks."""

    @property
    def name(self) -> str:
        """Return the name of the networks."""

    @property
    def motion_by(self) -> str:
        """Return the source of motion, "joyvasa" or "envelope"."""

    def close(self) -> None:
        """Release the networks' memory."""

    def faces(self, picture: "Picture") -> "tuple[Face, ...]":
        """Return the faces of `picture`, uint8 (H, W, 3) RGB, from left to right."""

    def motion_from(self, speech: "Speech", options: "AnimationOptions") -> Any:
        """Return the motion of somebody who says `speech`. Its length is its number of frames."""
        ...

    def frames(self, picture: "Picture", face: "Face", motion: Any, options: "AnimationOptions") -> "Iterator[Picture]":
        """Yield a picture as large as `picture` for each frame of the motion."""
