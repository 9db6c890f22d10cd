"""Who draws: the choice between `sdxl` (full tier) and `pocket` (embedded), and what both have in common."""

from importlib.util import find_spec

from engine.core.errors import UserMessage
from engine.core.protocol import Capability
from engine.core.task import EngineSettings
from engine.media.files import hash_of
from engine.tasks.imagine.contract import ImageGenerator
from engine.tasks.imagine.sdxl import checkpoint
from engine.weights import registry

POCKET_WEIGHTS = ("minilm", "realesr-animevideov3")
"""Entries of weights.toml that pocket stands on; scripts/setup has fetched them into the default folder."""

UNSUPPORTED_BY_GUIDING: dict[str, tuple[str, ...]] = {
    "two-pass": (),
    "input": ("negative",),
    "none": ("negative", "guidance"),
}
"""What pocket cannot honour, by how its weights are guided."""

POCKET_UNSUPPORTED = (
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
"""What no pocket can: options, and abilities that `Params.is_set` knows."""

VERSION = 3
"""Of the task: raised when the same parameters would come out differently, so that cached pictures are drawn anew."""


def choose(settings: EngineSettings) -> Capability:
    """The backend for `imagine`: what the owner named; for `auto` SDXL where device, libraries and weights allow."""
    wanted = settings.models.get("imagine", "auto")
    if wanted == "pocket":
        return _pocket(settings, UserMessage(template="config.toml asks for it."))
    if wanted != "auto":
        return _sdxl(settings, UserMessage(template="config.toml asks for it."))
    obstacle = _obstacle(settings)
    if obstacle is None:
        return _sdxl(settings, UserMessage(template="There is a GPU, and SDXL's weights are here or can be fetched."))
    return _pocket(settings, obstacle)


def load(settings: EngineSettings) -> ImageGenerator:
    """The painter that `choose` names, with its weights. Raises MissingModel."""
    if choose(settings).backend == "pocket":
        from engine.tasks.imagine.pocket.generator import PocketGenerator  # loads ONNX Runtime

        for name in POCKET_WEIGHTS:
            registry.fetch(registry.find_weight(name), settings.weights)

        return PocketGenerator(settings.weights)
    from engine.tasks.imagine.sdxl.generator import SdxlGenerator  # loads torch

    return SdxlGenerator(settings)


def _pocket(settings: EngineSettings, why: UserMessage) -> Capability:
    from engine.tasks.imagine.pocket.metadata import metadata

    file = registry.path_or_raise("pocket", settings.weights)
    model, refuses = (
        f"pocket-{hash_of(file)[:12]}",
        (*UNSUPPORTED_BY_GUIDING[metadata(file)["guiding"]], *POCKET_UNSUPPORTED),
    )
    return Capability(
        task="imagine", version=VERSION, backend="pocket", tier="embedded", model=model, why=why, refuses=refuses
    )


def _sdxl(settings: EngineSettings, why: UserMessage) -> Capability:
    return checkpoint.service(settings, why, VERSION)


def _obstacle(settings: EngineSettings) -> UserMessage | None:
    if not settings.device.startswith("cuda"):
        return UserMessage(template="There is no NVIDIA GPU here, so the embedded model draws.")
    if any(find_spec(name) is None for name in ("torch", "diffusers")):
        return UserMessage(template="There is a GPU, but torch is not installed: run scripts/setup --full.")
    return checkpoint.obstacle(settings)
