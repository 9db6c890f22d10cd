"""Which networks there are, who runs them here, and loading them for the pool."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from engine.core.progress import OnStep

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

Name = Literal["RealESRGAN_x4plus", "RealESRGAN_x4plus_anime_6B", "realesr-animevideov3"]

PHOTO: Name = "RealESRGAN_x4plus"

DRAWING: Name = "RealESRGAN_x4plus_anime_6B"

FAST: Name = "realesr-animevideov3"

SCALE = 4
"""How much larger every network makes a picture."""


@dataclass(frozen=True)
class Traits:
    """`weight` is how many times longer than FAST a network takes."""

    weight: int


NETWORKS: dict[str, Traits] = {PHOTO: Traits(33), DRAWING: Traits(11), FAST: Traits(1)}


@dataclass(frozen=True)
class Step:
    """Layers that work at once, and see `halo` pixels of the input far.

    From a step that `starts` a residual block to the one that `ends` it, the block's input goes `inside_skip` the
    steps: the last one's result is scaled and added to it.
    """

    halo: int
    starts: bool = False
    inside_skip: bool = False
    ends: bool = False


class Network(Protocol):
    """A loaded network. `bytes` of weights, `bytes_per_pixel` of the input while it works.

    Its `steps` are done with `first`, `step` and `last`, or with `last` alone, on features (…, H, W) of
    `bytes_per_feature` a pixel, for which `room` gives uninitialised room. `largest` is a tile's side where there is
    memory for it, and `spare` are bytes that it holds without using them.
    """

    bytes: int
    bytes_per_pixel: int
    bytes_per_feature: int
    largest: int
    steps: "tuple[Step, ...]"

    @property
    def spare(self) -> int: ...

    def enlarge(self, picture: "Picture", on_step: OnStep = ...) -> "Picture":
        """uint8 (H, W, 3) -> uint8 (4H, 4W, 3). `on_step` hears what share is done, and may raise to end the work."""
        ...

    def first(self, picture: "Picture") -> Any: ...

    def step(self, number: int, features: Any, on_step: OnStep) -> Any: ...

    def last(self, features: Any, picture: "Picture", on_step: OnStep) -> "Picture":
        """uint8 (4H, 4W, 3) of features, None where this is the only step, and of the picture where they are."""
        ...

    def room(self, height: int, width: int) -> Any: ...

    def running(self) -> AbstractContextManager[object]:
        """Steps are done within it, and what lies between them."""
        ...
