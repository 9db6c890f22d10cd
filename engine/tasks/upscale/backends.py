"""Which network upscales here, on which tier, and loading it for the pool."""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from engine.core.errors import UserMessage
from engine.core.protocol import Capability
from engine.core.task import EngineSettings
from engine.tasks.upscale.realesrgan.networks import NETWORKS, Network
from engine.torch_support.compilation import prepare_compiler
from engine.torch_support.cuda import release_memory
from engine.weights import fingerprint, registry

VERSION = 3
"""Of the task: raised when the same parameters would come out differently."""


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
        release_memory()

    def network(self, name: str) -> Network:
        """Raises MissingModel where its weights are not there and cannot be had."""
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._settings, self._service)
        return self._loaded[name]


def choose(settings: EngineSettings) -> Capability:
    """The backend for `upscale`: what the owner named; for `auto` torch where device, libraries and weights allow.

    Where not even the embedded networks are here it is bicubic interpolation, which says so in every result.
    """
    wanted = settings.models.get("upscale", "auto")
    if wanted not in ("auto", "ncnn"):
        return _service("spandrel", "full", _identity(wanted), UserMessage(template="config.toml asks for it."))
    obstacle = _obstacle(settings) if wanted == "auto" else UserMessage(template="config.toml asks for it.")
    if obstacle is None:
        why = UserMessage(template="There is a GPU, and Real-ESRGAN's weights are here.")
        return _service("spandrel", "full", "realesrgan", why)
    if any(registry.find_weight(name).is_complete(settings.weights) for name in NETWORKS):
        return _service("ncnn", "embedded", "realesrgan-ncnn", obstacle)
    absent = "Real-ESRGAN is not here: run python -m engine weights --fetch --tier embedded, and start again."
    return _service("bicubic", "embedded", "bicubic", UserMessage(template=absent))


def _service(backend: str, tier: Literal["full", "embedded"], model: str, why: UserMessage) -> Capability:
    return Capability(task="upscale", version=VERSION, backend=backend, tier=tier, model=model, why=why)


def _obstacle(settings: EngineSettings) -> UserMessage | None:
    """Why `auto` cannot take the full tier."""
    if not settings.device.startswith("cuda"):
        return UserMessage(template="There is no NVIDIA GPU here, so the embedded networks enlarge.")
    if any(find_spec(name) is None for name in ("torch", "spandrel")):
        return UserMessage(template="There is a GPU, but torch is not installed: run scripts/setup --full.")
    if all(registry.find_weight(_full(name)).is_complete(settings.weights) for name in NETWORKS):
        return None
    return UserMessage(
        template="There is a GPU, but Real-ESRGAN's weights are not here:"
        " run python -m engine weights --fetch --tier full."
    )


def _full(name: str) -> str:
    """The entry of weights.toml with the authors' .pth."""
    return f"{name}.pth"


def _load(name: str, settings: EngineSettings, service: Capability) -> Network:
    if service.backend == "ncnn":
        from engine.tasks.upscale.realesrgan.embedded import Upscaler  # loads ncnn

        registry.fetch(registry.find_weight(name), settings.weights)
        return Upscaler(settings.weights, name=name)
    from engine.tasks.upscale.realesrgan.full import TorchUpscaler  # loads torch

    prepare_compiler(settings.folder)
    return TorchUpscaler(_path(name, settings), name, settings.device)


def _path(name: str, settings: EngineSettings) -> Path:
    folder = settings.models.get("upscale", "auto")
    if folder not in ("auto", "spandrel"):
        return Path(folder).expanduser() / f"{name}.pth"
    registry.fetch(registry.find_weight(_full(name)), settings.weights)
    return registry.path_or_raise(_full(name), settings.weights)


def _identity(wanted: str) -> str:
    """The weights folder's own networks, or a folder of the owner's by its files: others are other networks."""
    if wanted == "spandrel":
        return "realesrgan"
    return fingerprint.name_with_fingerprint(Path(wanted).expanduser(), "*.pth")
