"""Who makes pictures come alive by diffusion: LTX-Video (full tier). Without it the camera alone moves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from engine import weights
from engine.backends.ltx.checkpoint import WEIGHT, checkpoint
from engine.errors import MissingModel, Sentence
from engine.scripts.script import Shape
from engine.task import EngineSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

CAMERA = "camera"
"""What `models.video` is for an owner who wants no diffusion."""
VERSION = 1
"""Of clips: raised when the same wish would come out differently."""

Report = Callable[[float], None]
"""Told which share is done; raises when the job was cancelled."""


@dataclass(frozen=True)
class Wish:
    """`frames` of a film of `shape`; it begins with `picture`, RGB (H, W, 3) of any size, where there is one."""

    prompt: str
    shape: Shape
    frames: int
    seed: int
    picture: "Picture | None" = None


class Clipper(Protocol):
    """A loaded model. `clip` gives the frames, all of one size, at the film's rate; see `Report` for what it raises."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def close(self) -> None: ...

    def clip(self, wish: Wish, report: Report) -> "Iterator[Picture]": ...


def identity(settings: EngineSettings) -> str:
    """The model that makes clips here; empty where none does."""
    return "" if obstacle(settings) else f"{checkpoint(settings).name}-{VERSION}"


def obstacle(settings: EngineSettings) -> Sentence | None:
    """Why there are no clips here; None where the owner named a model, or device, libraries and weights allow it."""
    wanted = settings.models.get("video", "auto")
    if wanted == CAMERA:
        return Sentence(template="config.toml asks for the camera alone.")
    if wanted != "auto":
        return None
    if not settings.device.startswith("cuda"):
        return Sentence(template="There is no NVIDIA GPU here, so the camera alone moves.")
    if any(find_spec(name) is None for name in ("torch", "diffusers")):
        return Sentence(template="There is a GPU, but torch is not installed: run scripts/setup --full.")
    if not weights.named(WEIGHT).present(settings.weights):
        return Sentence(
            template="There is a GPU, but LTX-Video is not here: run python -m engine weights --fetch ltx-video."
        )
    return None


def why(settings: EngineSettings) -> Sentence:
    """Why there are clips here, or why not."""
    if settings.models.get("video", "auto") not in ("auto", CAMERA):
        return Sentence(template="config.toml asks for it.")
    return obstacle(settings) or Sentence(template="There is a GPU, and LTX-Video is here.")


def load(settings: EngineSettings) -> Clipper:
    """Raises MissingModel, and where nobody makes clips says why."""
    if (missing := obstacle(settings)) is not None:
        raise MissingModel(missing.template, **missing.facts)
    from engine.backends.ltx.clipper import LtxClipper  # loads torch

    return LtxClipper(settings)
