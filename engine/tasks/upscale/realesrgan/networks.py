"""The available networks, and the interface that both runtimes implement."""

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
"""The network for photographs."""

DRAWING: Name = "RealESRGAN_x4plus_anime_6B"
"""The network for drawings."""

FAST: Name = "realesr-animevideov3"
"""The fast network."""

SCALE = 4
"""Factor by which every network enlarges."""


@dataclass(frozen=True)
class Traits:
    """`weight` is the network's run time as a multiple of FAST's."""

    weight: int


NETWORKS: dict[str, Traits] = {PHOTO: Traits(33), DRAWING: Traits(11), FAST: Traits(1)}
"""The networks by name."""


@dataclass(frozen=True)
class Step:
    """Layers that run at once and see `halo` input pixels in each direction.

    From a step that `starts` a residual block to the one that `ends` it, `inside_skip` holds: the last step's
    output is scaled and added to the block's input.
    """

    halo: int
    starts: bool = False
    inside_skip: bool = False
    ends: bool = False


class Network(Protocol):
    """A loaded network with `bytes` of weights, and `bytes_per_pixel` of input while it works.

    Its `steps` run through `first`, `step` and `last`, or `last` alone, on features (…, H, W) of
    `bytes_per_feature` a pixel, for which `room` returns uninitialised memory. `largest` is the side of a tile when
    memory allows, and `spare` the bytes that are reserved but unused.
    """

    bytes: int
    bytes_per_pixel: int
    bytes_per_feature: int
    largest: int
    steps: "tuple[Step, ...]"

    @property
    def spare(self) -> int:
        """Return the bytes that are reserved but unused."""

    def enlarge(self, picture: "Picture", on_step: OnStep = ...) -> "Picture":
        """Enlarge uint8 (H, W, 3) to uint8 (4H, 4W, 3). `on_step` receives the share done, and may raise to end the
        work.
        """
        ...

    def first(self, picture: "Picture") -> Any:
        """Return the first features of a picture."""

    def step(self, number: int, features: Any, on_step: OnStep) -> Any:
        """Run step `number`, counted from 1."""

    def last(self, features: Any, picture: "Picture", on_step: OnStep) -> "Picture":
        """Return uint8 (4H, 4W, 3) from features, which are None for a single step, and the picture below them."""
        ...

    def room(self, height: int, width: int) -> Any:
        """Return uninitialised memory for features."""

    def running(self) -> AbstractContextManager[object]:
        """Return the context in which the steps run."""
        ...
