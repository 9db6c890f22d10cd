"""Who tells how near each part of a picture is: the network that `control: depth` is read by, where the owner has one.

Without it parallax goes by the face or by what stands out; see `engine.tasks.film.camera.saliency`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import MissingModel
from engine.core.settings import WorkerSettings
from engine.tasks.backend import Backend
from engine.tasks.imagine.sdxl.control import controlnet

if TYPE_CHECKING:
    from engine.tasks.imagine.contract import Picture

READER = "depth-reader"
"""Of `models.controls`."""
MAX_SIDE_PIXELS = 1024
"""Pixels of the longer side at which a picture is looked at; the networks take half of that."""
VERSION = 1
"""Of depths: raised when the same picture would be seen otherwise."""


class DepthReader:
    """A loaded network. `size` is in bytes on the device."""

    def __init__(self, network: Any, name: str) -> None:
        self.name = name
        self.size: int = network.size
        self._network = network

    def read(self, picture: "Picture") -> "Picture":
        """RGB (H, W, 3) -> (h, w, 3), at most SIDE on its longer side: black is far, white is near."""
        import cv2

        height, width = picture.shape[:2]
        scale = min(1.0, MAX_SIDE_PIXELS / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
        seen: Picture = self._network(small)
        return seen

    def close(self) -> None:
        self._network = None


def _load(settings: WorkerSettings) -> DepthReader:
    from engine.torch_support.torchvision_import import import_torchvision

    import_torchvision()
    return DepthReader(controlnet.reader("depth", settings), _name(settings))


def _name(settings: WorkerSettings) -> str:
    source = controlnet.source(READER, settings)
    return Path(source).name if Path(source).is_dir() else source


DEPTH = Backend(
    name="depth",
    title="depth-reader",
    tier="full",
    requirements=("torch", "transformers"),
    has_weights=lambda settings: bool(controlnet.source(READER, settings)),
    identity=lambda settings: f"{_name(settings)}-{VERSION}",
    load=_load,
)


def identity(settings: WorkerSettings) -> str:
    """Return the identity of the network that estimates depth here, "" where there is none."""
    return "" if DEPTH.obstacle(settings) else DEPTH.identity(settings)


def load(settings: WorkerSettings) -> DepthReader:
    """Load the network. Raises MissingModel where it is missing or cannot be read."""
    if DEPTH.obstacle(settings):
        raise MissingModel("No network that sees depth is here. Name one as depth-reader in models.controls.")
    reader: DepthReader = DEPTH.load(settings)
    return reader
