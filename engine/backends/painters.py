"""Who draws: the choice between `sdxl` (full tier) and `pocket` (embedded), and what both have in common."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from engine import weights
from engine.backends.sdxl import checkpoint
from engine.errors import Sentence
from engine.job import Fact
from engine.media import hash_of
from engine.task import EngineSettings
from engine.text.readable import readable_form, unreadable_words
from engine.wire import Service

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.tasks.imagine import Params

    Picture = NDArray[np.uint8]
    Report = Callable[[str, float, Picture | None], None]
    ReportOf = Callable[[int, str, float, Picture | None], None]


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


@dataclass(frozen=True)
class Painting:
    """Pictures, each H,W,3 in 0..255, with what a person should know of how they were made."""

    pictures: "list[Picture]"
    notes: tuple[Sentence, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)


class Painter(Protocol):
    """A loaded model that draws. `report(stage, fraction, preview)` raises when the job was cancelled.

    One whose service says that it does several jobs `together` has `paint_together` too.
    """

    @property
    def size(self) -> int: ...

    def close(self) -> None: ...

    def paint(self, params: "Params", report: "Report") -> Painting: ...


def unread_words(params: "Params") -> str:
    """Return the words of both prompts that are in no script that these models learned, shortened; "" without any."""
    words = unreadable_words(f"{readable_form(params.prompt)} {readable_form(params.negative)}")
    return textwrap.shorten(" ".join(words), 80, placeholder="…")


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
        from engine.backends.pocket.painter import PocketPainter  # loads ONNX Runtime

        for name in POCKET:
            weights.fetch(weights.named(name), settings.weights)

        return PocketPainter(settings.weights)
    from engine.backends.sdxl.painter import SdxlPainter  # loads torch

    return SdxlPainter(settings)


def _pocket(settings: EngineSettings, why: Sentence) -> Service:
    from engine.backends.pocket.metadata import metadata

    file = weights.need("pocket", settings.weights)
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
