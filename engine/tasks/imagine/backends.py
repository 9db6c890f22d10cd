"""The backends of `imagine`: SDXL (full tier) and pocket (embedded)."""

from engine.core.settings import WorkerSettings
from engine.media.files import hash_of
from engine.tasks.backend import Backend, Backends, Support
from engine.tasks.imagine.contract import ImageGenerator
from engine.tasks.imagine.sdxl import checkpoint
from engine.weights import registry

POCKET_WEIGHTS = ("minilm", "realesr-animevideov3")
"""Catalogue entries that pocket needs beside its own weights; scripts/setup fetches them."""

UNSUPPORTED_BY_GUIDING: dict[str, tuple[str, ...]] = {
    "two-pass": (),
    "input": ("negative",),
    "none": ("negative", "guidance"),
}
"""Options that pocket does not support, by how its weights are guided."""

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
"""Options, and abilities that `Params.is_set` knows, that no pocket weights support."""

VERSION = 3
"""Version of the task. Raise it when the same parameters give another picture, so that no cached one is used."""


def _pocket_identity(settings: WorkerSettings) -> str:
    return f"pocket-{hash_of(registry.path_or_raise('pocket', settings.weights))[:12]}"


def _pocket_support(settings: WorkerSettings) -> Support:
    from engine.tasks.imagine.pocket.metadata import metadata

    guiding = metadata(registry.path_or_raise("pocket", settings.weights))["guiding"]
    return Support(unsupported=(*UNSUPPORTED_BY_GUIDING[guiding], *POCKET_UNSUPPORTED))


def _load_pocket(settings: WorkerSettings) -> ImageGenerator:
    from engine.tasks.imagine.pocket.generator import PocketGenerator  # loads ONNX Runtime

    for name in POCKET_WEIGHTS:
        registry.fetch(registry.find_weight(name), settings.weights)
    return PocketGenerator(settings.weights)


def _load_sdxl(settings: WorkerSettings) -> ImageGenerator:
    from engine.tasks.imagine.sdxl.generator import SdxlGenerator  # loads torch

    return SdxlGenerator(settings)


SDXL = Backend(
    name="sdxl",
    title="SDXL",
    tier="full",
    families=("StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline"),
    requirements=("torch", "diffusers"),
    weights=checkpoint.LIGHTNING,
    needs_gpu=True,
    identity=lambda settings: checkpoint.checkpoint(settings).name,
    support=checkpoint.support,
    load=_load_sdxl,
)
POCKET = Backend(
    name="pocket",
    title="pocket",
    tier="embedded",
    weights=("pocket", *POCKET_WEIGHTS),
    identity=_pocket_identity,
    support=_pocket_support,
    load=_load_pocket,
)

BACKENDS = Backends("imagine", VERSION, (SDXL, POCKET))
choose, load = BACKENDS.choose, BACKENDS.load
