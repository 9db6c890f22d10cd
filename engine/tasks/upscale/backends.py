"""The backends of `upscale`: Real-ESRGAN in torch (full tier) or ncnn (embedded), or bicubic interpolation."""

from pathlib import Path

from engine.core.settings import WorkerSettings
from engine.tasks.backend import Backend, Backends
from engine.tasks.upscale.realesrgan.networks import NETWORKS, Network
from engine.torch_support.compilation import prepare_compiler
from engine.torch_support.cuda import release_memory
from engine.weights import fingerprint, registry

VERSION = 3
"""Version of the task. Raise it when the same parameters give another result, so that no cached one is used."""


class Upscalers:
    """The networks of one backend, each loaded when it is first used. This is the pool's model."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.device = settings.device
        self._settings = settings
        self._backend = BACKENDS.select(settings)[0]
        self._loaded: dict[str, Network] = {}

    @property
    def size(self) -> int:
        """Bytes of the loaded networks."""
        return sum(network.bytes for network in self._loaded.values())

    def close(self) -> None:
        """Unload every network and release its memory on the device."""
        self._loaded.clear()
        release_memory()

    def network(self, name: str) -> Network:
        """Return the network `name`. Raises MissingModel where its weights are missing and cannot be fetched."""
        if name not in self._loaded:
            load_network = _load_ncnn if self._backend is NCNN else _load_torch
            self._loaded[name] = load_network(name, self._settings)
        return self._loaded[name]


def _load_ncnn(name: str, settings: WorkerSettings) -> Network:
    from engine.tasks.upscale.realesrgan.embedded import Upscaler  # loads ncnn

    registry.fetch(registry.find_weight(name), settings.weights)
    return Upscaler(settings.weights, name=name)


def _load_torch(name: str, settings: WorkerSettings) -> Network:
    from engine.tasks.upscale.realesrgan.full import TorchUpscaler  # loads torch

    prepare_compiler(settings.folder)
    return TorchUpscaler(_path(name, settings), name, settings.device)


def _path(name: str, settings: WorkerSettings) -> Path:
    """Return the file of the network `name`, from the configured folder or the catalogue."""
    if folder := _configured_folder(settings):
        return folder / f"{name}.pth"
    registry.fetch(registry.find_weight(_full_weight(name)), settings.weights)
    return registry.path_or_raise(_full_weight(name), settings.weights)


def _configured_folder(settings: WorkerSettings) -> Path | None:
    """Return the folder that models.upscale names, or None where it names none."""
    wanted = settings.models.get("upscale", "auto")
    return None if wanted in {"auto", "spandrel"} else Path(wanted).expanduser()


def _full_weight(name: str) -> str:
    """Return the name of the catalogue entry with the authors' .pth."""
    return f"{name}.pth"


def _torch_identity(settings: WorkerSettings) -> str:
    folder = _configured_folder(settings)
    return fingerprint.name_with_fingerprint(folder, "*.pth") if folder else "realesrgan"


def _has_ncnn_weights(settings: WorkerSettings) -> bool:
    """Return whether at least one network is here."""
    return any(registry.find_weight(name).is_complete(settings.weights) for name in NETWORKS)


TORCH = Backend(
    name="spandrel",
    title="Real-ESRGAN",
    tier="full",
    requirements=("torch", "spandrel"),
    weights=tuple(_full_weight(name) for name in NETWORKS),
    needs_gpu=True,
    identity=_torch_identity,
    load=Upscalers,
)
NCNN = Backend(
    name="ncnn",
    title="Real-ESRGAN",
    tier="embedded",
    weights=tuple(NETWORKS),
    has_weights=_has_ncnn_weights,
    identity=lambda _: "realesrgan-ncnn",
    load=Upscalers,
)
BICUBIC = Backend(
    name="bicubic", title="bicubic interpolation", tier="embedded", identity=lambda _: "bicubic", load=Upscalers
)
"""Interpolation, where not even the embedded networks are here. Each result says so."""

BACKENDS = Backends("upscale", VERSION, (TORCH, NCNN, BICUBIC))
choose, load = BACKENDS.choose, BACKENDS.load
