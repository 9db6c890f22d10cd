"""Estimate the depth of pictures for parallax, with the network that `control: depth` uses, if the owner has one.

Without it, parallax uses the face or the salient area; see `engine.tasks.film.camera.saliency`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import MissingModel
from engine.core.settings import WorkerSettings
from engine.tasks.backend import Backend
from engine.tasks.imagine.sdxl.control import controlnet

if TYPE_CHECKING:
    from engine.tasks.imagine.contract import Picture

DEPTH_READER = "depth-reader"
"""Name in `models.controls`."""
MAX_SIDE_PIXELS = 1024
"""Longer side of the picture given to the network, in pixels. The networks work at half of it."""
VERSION = 1
"""Version of the depth maps. Raise it when the same picture would give another map."""


class DepthReader:
    """A loaded depth network. `size` is in bytes on the device."""

    def __init__(self, network: Any, name: str) -> None:
        self.name = name
        self.size: int = network.size
        self._network = network

    def read(self, picture: "Picture") -> "Picture":
        """Return the depth map of RGB (H, W, 3) as (h, w, 3), at most MAX_SIDE_PIXELS long: black is far, white is
        near.
        """
        import cv2

        height, width = picture.shape[:2]
        scale = min(1.0, MAX_SIDE_PIXELS / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
        seen: Picture = self._network(small)
        return seen

    def close(self) -> None:
        """Release the network."""
        self._network = None


def _load(settings: WorkerSettings) -> DepthReader:
    from engine.torch_support.torchvision_import import import_torchvision

    import_torchvision()
    return DepthReader(controlnet.reader("depth", settings), _name(settings))


def _name(settings: WorkerSettings) -> str:
    source = controlnet.source(DEPTH_READER, settings)
    return Path(source).name if Path(source).is_dir() else source


DEPTH = Backend(
    name="depth",
    title="depth-reader",
    tier="full",
    requirements=("torch", "transformers"),
    has_weights=lambda settings: bool(controlnet.source(DEPTH_READER, settings)),
    identity=lambda settings: f"{_name(settings)}-{VERSION}",
    load=_load,
)


def identity(settings: WorkerSettings) -> str:
    """Return the identity of the network that estimates depth here, "" where there is none."""
    return "" if DEPTH.obstacle(settings) else DEPTH.identity(settings)


def load(settings: WorkerSettings) -> DepthReader:
    """Load the network. Raises MissingModel where it is missing or cannot be read."""
    if DEPTH.obstacle(settings):
        raise MissingModel("No depth model is configured. Set depth-reader under models.controls in config.toml.")
    reader: DepthReader = DEPTH.load(settings)
    return reader
