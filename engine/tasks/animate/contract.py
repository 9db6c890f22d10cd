"""What every portrait animator has in common."""

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
    """Loaded networks. `name` says which they are, `motion_by` what turns speech to motion: joyvasa or envelope."""

    @property
    def size(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def motion_by(self) -> str: ...

    def close(self) -> None: ...

    def faces(self, picture: "Picture") -> "tuple[Face, ...]": ...

    def motion_from(self, speech: "Speech", options: "AnimationOptions") -> Any:
        """The motion of who says it, which has as many frames as its length is; `frames` paints them."""
        ...

    def frames(
        self, picture: "Picture", face: "Face", motion: Any, options: "AnimationOptions"
    ) -> "Iterator[Picture]": ...
