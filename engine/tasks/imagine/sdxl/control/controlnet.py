"""ControlNet: keeps a picture's edges, depth, pose or outlines in the new picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import MissingModel
from engine.core.protocol import NamedChoice
from engine.core.settings import WorkerSettings

if TYPE_CHECKING:
    from engine.tasks.imagine.contract import Picture

KINDS = ("canny", "depth", "pose", "scribble")
"""Kinds of control."""
NEEDS_NETWORK = ("depth", "pose")
"""Kinds whose control image comes from a network; OpenCV draws the others."""
FOLDER = "controls"
"""Folder under the weights: `controls/canny` and so on are ControlNets, `controls/depth-reader` estimates depth."""


@dataclass(frozen=True)
class Control:
    """A loaded ControlNet, with the function that makes its control image from a picture (H, W, 3)."""

    network: Any
    preprocess: "Callable[[Picture], Picture]"

    @property
    def networks(self) -> tuple[Any, ...]:
        """Return the ControlNet, and the network that makes the control image if there is one."""
        reader = getattr(self.preprocess, "network", None)
        return (self.network,) if reader is None else (self.network, reader)


def list_networks(settings: WorkerSettings) -> dict[str, NamedChoice]:
    """Return the kinds whose networks are configured or in the folder."""
    sources = {kind: _sources(kind, settings) for kind in KINDS}
    return {kind: NamedChoice(identity=" ".join(found)) for kind, found in sources.items() if all(found)}


def load(kind: str, settings: WorkerSettings) -> Control:
    """Load the ControlNet for `kind`. Raises MissingModel if a network is missing or unreadable."""
    import torch
    from diffusers import ControlNetModel

    own = source(kind, settings)
    dtype = torch.float16 if settings.device.startswith("cuda") else torch.float32
    network = _load_or_raise(
        kind, own, settings, lambda options: ControlNetModel.from_pretrained(own, dtype=dtype, **options)
    )
    return Control(network.to(settings.device), reader(kind, settings))


def reader(kind: str, settings: WorkerSettings) -> "Callable[[Picture], Picture]":
    """Return the function that makes a control image. Raises MissingModel if its network is unreadable."""
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


def _sources(kind: str, settings: WorkerSettings) -> list[str]:
    """Return the sources of the ControlNet and, where it needs one, of its reader; "" for a missing one."""
    return [source(name, settings) for name in ((kind, f"{kind}-reader") if kind in NEEDS_NETWORK else (kind,))]


def source(name: str, settings: WorkerSettings) -> str:
    """Return the folder or hub repository of one of `models.controls`, or "" if it is missing."""
    named = settings.models.get(f"control:{name}", "")
    folder = settings.weights / FOLDER / name
    return named or (str(folder) if folder.is_dir() else "")


def _load_or_raise(kind: str, source: str, settings: WorkerSettings, make: Callable[[dict[str, Any]], Any]) -> Any:
    local = Path(source).is_dir()
    options = {"local_files_only": local, "cache_dir": None if local else settings.weights / "hub"}
    try:
        return make(options)
    except (OSError, ValueError) as error:
        raise MissingModel(
            "The network for control {kind} cannot be loaded: files are missing or damaged, or the hub can't be"
            " reached. Check models.controls in config.toml.",
            kind=kind,
        ) from error
