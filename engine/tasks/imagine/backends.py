"""Who draws: the choice between `sdxl` (full tier) and `pocket` (embedded), and what both have in common."""

from importlib.util import find_spec

from engine.core.errors import Sentence
from engine.core.protocol import Service
from engine.core.task import EngineSettings
from engine.media.files import hash_of
from engine.tasks.imagine.contract import Painter
from engine.tasks.imagine.sdxl import checkpoint
from engine.weights import registry

POCKET = ("minilm", "realesr-animevideov3")
"""Entries of weights.toml that pocket stands on; scripts/setup has fetched them into the default folder."""

REFUSED: dict[str, tuple[str, ...]] = {"two-pass": (), "input": ("negative",), "none": ("negative", "guidance")}
"""What pocket cannot honour, by how its weights are guided."""

TOO_MUCH = (
    "weights",
    "ratios",
    "width",
    "height",
    "variation",
    "mask",
    "extend",
    "control",
    "lora",
    "model",
    "tiling",
)
"""What no pocket can: options, and abilities that `Params.asks` knows."""

VERSION = 3
"""Of the task: raised when the same parameters would come out differently, so that cached pictures are drawn anew."""


def choose(settings: EngineSettings) -> Service:
    """The backend for `imagine`: what the owner named; for `auto` SDXL where device, libraries and weights allow."""
    wanted = settings.models.get("imagine", "auto")
    if wanted == "pocket":
        return _pocket(settings, Sentence(template="config.toml asks for it."))
    if wanted != "auto":
        return _sdxl(settings, Sentence(template="config.toml asks for it."))
    obstacle = _obstacle(settings)
    if obstacle is None:
        return _sdxl(settings, Sentence(template="There is a GPU, and SDXL's weights are here or can be fetched."))
    return _pocket(settings, obstacle)


def load(settings: EngineSettings) -> Painter:
    """The painter that `choose` names, with its weights. Raises MissingModel."""
    if choose(settings).backend == "pocket":
        from engine.tasks.imagine.pocket.generator import PocketPainter  # loads ONNX Runtime

        for name in POCKET:
            registry.fetch(registry.named(name), settings.weights)

        return PocketPainter(settings.weights)
    from engine.tasks.imagine.sdxl.generator import SdxlPainter  # loads torch

    return SdxlPainter(settings)


def _pocket(settings: EngineSettings, why: Sentence) -> Service:
    from engine.tasks.imagine.pocket.metadata import metadata

    file = registry.need("pocket", settings.weights)
    model, refuses = f"pocket-{hash_of(file)[:12]}", (*REFUSED[metadata(file)["guiding"]], *TOO_MUCH)
    return Service(
        task="imagine", version=VERSION, backend="pocket", tier="embedded", model=model, why=why, refuses=refuses
    )


def _sdxl(settings: EngineSettings, why: Sentence) -> Service:
    return checkpoint.service(settings, why, VERSION)


def _obstacle(settings: EngineSettings) -> Sentence | None:
    if not settings.device.startswith("cuda"):
        return Sentence(template="There is no NVIDIA GPU here, so the embedded model draws.")
    if any(find_spec(name) is None for name in ("torch", "diffusers")):
        return Sentence(template="There is a GPU, but torch is not installed: run scripts/setup --full.")
    return checkpoint.obstacle(settings)
