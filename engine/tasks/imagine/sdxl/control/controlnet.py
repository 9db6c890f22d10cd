"""ControlNet: a picture's edges, depth, pose or scribble that the new picture keeps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import MissingModel
from engine.core.protocol import NamedChoice
from engine.core.task import EngineSettings

if TYPE_CHECKING:
    from engine.tasks.imagine.contract import Picture

KINDS = ("canny", "depth", "pose", "scribble")
NEEDS_NETWORK = ("depth", "pose")
"""Those that a network of their own reads in the picture; OpenCV draws the others."""
FOLDER = "controls"
"""Under the weights folder: `controls/canny` and so on are ControlNets, `controls/depth-reader` is what reads depth."""


@dataclass(frozen=True)
class Control:
    """A loaded ControlNet, and what makes its picture from a person's, (H, W, 3)."""

    network: Any
    preprocess: "Callable[[Picture], Picture]"

    @property
    def networks(self) -> tuple[Any, ...]:
        """Its own, and the one that reads the picture, if there is one."""
        reader = getattr(self.preprocess, "network", None)
        return (self.network,) if reader is None else (self.network, reader)


def list_networks(settings: EngineSettings) -> dict[str, NamedChoice]:
    """The kinds whose networks the owner has named or put into the folder."""
    sources = {kind: _sources(kind, settings) for kind in KINDS}
    return {kind: NamedChoice(identity=" ".join(found)) for kind, found in sources.items() if all(found)}


def load(kind: str, settings: EngineSettings) -> Control:
    """Raises MissingModel where a network is not there or cannot be read."""
    import torch
    from diffusers import ControlNetModel

    own = source(kind, settings)
    dtype = torch.float16 if settings.device.startswith("cuda") else torch.float32
    network = _load_or_raise(
        kind, own, settings, lambda options: ControlNetModel.from_pretrained(own, dtype=dtype, **options)
    )
    return Control(network.to(settings.device), reader(kind, settings))


def reader(kind: str, settings: EngineSettings) -> "Callable[[Picture], Picture]":
    """What makes a ControlNet's picture of a person's. Raises MissingModel where its network cannot be read."""
    from engine.tasks.imagine.sdxl.control import edge_detectors, pose
    from engine.vision.depth import network as depth

    if kind not in NEEDS_NETWORK:
        return {"canny": edge_detectors.canny, "scribble": edge_detectors.scribble}[kind]
    read: Mapping[str, Any] = {"depth": depth.Depth, "pose": pose.Pose}
    own = source(f"{kind}-reader", settings)
    made: Callable[[Picture], Picture] = _load_or_raise(
        kind, own, settings, lambda options: read[kind](own, settings.device, **options)
    )
    return made


def _sources(kind: str, settings: EngineSettings) -> list[str]:
    """The ControlNet's folder or repository, then its reader's; empty for one that is not there."""
    return [source(name, settings) for name in ((kind, f"{kind}-reader") if kind in NEEDS_NETWORK else (kind,))]


def source(name: str, settings: EngineSettings) -> str:
    """The folder or the hub's repository of one of `models.controls`; empty where it is not there."""
    named = settings.models.get(f"control:{name}", "")
    folder = settings.weights / FOLDER / name
    return named or (str(folder) if folder.is_dir() else "")


def _load_or_raise(kind: str, source: str, settings: EngineSettings, make: Callable[[dict[str, Any]], Any]) -> Any:
    local = Path(source).is_dir()
    options = {"local_files_only": local, "cache_dir": None if local else settings.weights / "hub"}
    try:
        return make(options)
    except (OSError, ValueError) as error:
        raise MissingModel(
            "The network for control {kind} cannot be loaded: its files are not there, not whole, or the hub does not"
            " answer. Look at models.controls in config.toml.",
            kind=kind,
        ) from error
