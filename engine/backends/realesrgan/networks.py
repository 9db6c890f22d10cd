"""Which networks there are, who runs them here, and loading them for the pool."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from engine import weights
from engine.backends import fingerprint
from engine.backends.compiling import prepare_compiler
from engine.backends.cuda import give_back
from engine.errors import Sentence
from engine.steps import OnStep
from engine.task import EngineSettings
from engine.wire import Service

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
VERSION = 3
"""Of the task: raised when the same parameters would come out differently."""


@dataclass(frozen=True)
class Traits:
    """`weight` is how many times longer than FAST a network takes."""

    weight: int


NETWORKS: dict[str, Traits] = {PHOTO: Traits(33), DRAWING: Traits(11), FAST: Traits(1)}


@dataclass(frozen=True)
class Step:
    """Layers that work at once, and see `halo` pixels of the input far.

    From a step that `starts` a residual block to the one that `ends` it, the block's input goes `beside` the steps: the
    last one's result is scaled and added to it.
    """

    halo: int
    starts: bool = False
    beside: bool = False
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


class Upscalers:
    """The pool's model: the networks of one tier, each loaded when it is first asked for."""

    def __init__(self, settings: EngineSettings) -> None:
        self.device = settings.device
        self._settings = settings
        self._service = choose(settings)
        self._loaded: dict[str, Network] = {}

    @property
    def size(self) -> int:
        return sum(network.bytes for network in self._loaded.values())

    def close(self) -> None:
        self._loaded.clear()
        give_back()

    def network(self, name: str) -> Network:
        """Raises MissingModel where its weights are not there and cannot be had."""
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._settings, self._service)
        return self._loaded[name]


def choose(settings: EngineSettings) -> Service:
    """The backend for `upscale`: what the owner named; for `auto` torch where device, libraries and weights allow.

    Where not even the embedded networks are here it is bicubic interpolation, which says so in every result.
    """
    wanted = settings.models.get("upscale", "auto")
    if wanted not in ("auto", "ncnn"):
        return _service("spandrel", "full", _identity(wanted), Sentence(template="config.toml asks for it."))
    obstacle = _obstacle(settings) if wanted == "auto" else Sentence(template="config.toml asks for it.")
    if obstacle is None:
        why = Sentence(template="There is a GPU, and Real-ESRGAN's weights are here.")
        return _service("spandrel", "full", "realesrgan", why)
    if any(weights.named(name).present(settings.weights) for name in NETWORKS):
        return _service("ncnn", "embedded", "realesrgan-ncnn", obstacle)
    absent = "Real-ESRGAN is not here: run python -m engine weights --fetch --tier embedded, and start again."
    return _service("bicubic", "embedded", "bicubic", Sentence(template=absent))


def _service(backend: str, tier: Literal["full", "embedded"], model: str, why: Sentence) -> Service:
    return Service(task="upscale", version=VERSION, backend=backend, tier=tier, model=model, why=why)


def _obstacle(settings: EngineSettings) -> Sentence | None:
    """Why `auto` cannot take the full tier."""
    if not settings.device.startswith("cuda"):
        return Sentence(template="There is no NVIDIA GPU here, so the embedded networks enlarge.")
    if any(find_spec(name) is None for name in ("torch", "spandrel")):
        return Sentence(template="There is a GPU, but torch is not installed: run scripts/setup --full.")
    if all(weights.named(_full(name)).present(settings.weights) for name in NETWORKS):
        return None
    return Sentence(
        template="There is a GPU, but Real-ESRGAN's weights are not here:"
        " run python -m engine weights --fetch --tier full."
    )


def _full(name: str) -> str:
    """The entry of weights.toml with the authors' .pth."""
    return f"{name}.pth"


def _load(name: str, settings: EngineSettings, service: Service) -> Network:
    if service.backend == "ncnn":
        from engine.backends.realesrgan.embedded import Upscaler  # loads ncnn

        weights.fetch(weights.named(name), settings.weights)
        return Upscaler(settings.weights, name=name)
    from engine.backends.realesrgan.full import TorchUpscaler  # loads torch

    prepare_compiler(settings.folder)
    return TorchUpscaler(_path(name, settings), name, settings.device)


def _path(name: str, settings: EngineSettings) -> Path:
    folder = settings.models.get("upscale", "auto")
    if folder not in ("auto", "spandrel"):
        return Path(folder).expanduser() / f"{name}.pth"
    weights.fetch(weights.named(_full(name)), settings.weights)
    return weights.need(_full(name), settings.weights)


def _identity(wanted: str) -> str:
    """The weights folder's own networks, or a folder of the owner's by its files: others are other networks."""
    if wanted == "spandrel":
        return "realesrgan"
    return fingerprint.named(Path(wanted).expanduser(), "*.pth")
