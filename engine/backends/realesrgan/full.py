"""The full tier: a network in torch, as spandrel reads it from the authors' .pth file."""

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.realesrgan.networks import NETWORKS, SCALE
from engine.backends.torchvision_import import import_torchvision
from engine.errors import MissingModel
from engine.steps import OnStep, part

Picture = NDArray[np.uint8]


class TorchUpscaler:
    """Enlarges whole pictures on `device`: in fp16 on a GPU, in fp32 on the CPU."""

    def __init__(self, path: Path, name: str, device: str) -> None:
        """Raises MissingModel for a file that is not there, or that is no network that enlarges RGB four times."""
        import torch

        self._device = torch.device(device)
        self._dtype = torch.float16 if self._device.type == "cuda" else torch.float32
        self._model = _read(path, name).to(self._device, self._dtype).eval()
        self.bytes_per_pixel = NETWORKS[name].full_values * self._dtype.itemsize
        self.bytes = sum(value.nbytes for value in self._model.model.parameters())

    def enlarge(self, picture: Picture, on_step: OnStep = lambda _: None) -> Picture:
        """uint8 (H, W, 3) -> uint8 (4H, 4W, 3).

        `on_step` hears at each block of layers what share is done, and may raise to end the work.
        """
        import torch

        blocks = _blocks(self._model.model)
        hooks = [
            block.register_forward_pre_hook(_told(part(on_step, number, len(blocks))))
            for number, block in enumerate(blocks)
        ]
        try:
            with torch.inference_mode():
                planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).to(self._device)
                enlarged = self._model(planes.to(self._dtype)[None] / 255)[0]
                return _levels(enlarged)
        finally:
            for hook in hooks:
                hook.remove()


def _blocks(network: Any) -> list[Any]:
    """The parts that work one after the other: an RRDBNet's residual blocks, or the layers of a compact network."""
    trunk = network.body if hasattr(network, "body") else network.model[1].sub
    return list(trunk.children())


def _told(on_step: OnStep) -> Callable[..., None]:
    return lambda *_: on_step(0)


def _levels(planes: Any) -> Picture:
    levels: Picture = (planes.float() * 255 + 0.5).clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
    return levels


def _read(path: Path, name: str) -> Any:
    import_torchvision()
    from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError

    try:
        model = ModelLoader("cpu").load_from_file(path)
    except (OSError, ValueError, RuntimeError, UnpicklingError, UnsupportedModelError) as error:
        raise _unfit(name) from error
    if not isinstance(model, ImageModelDescriptor) or model.scale != SCALE or model.input_channels != 3:
        raise _unfit(name)
    return model


def _unfit(name: str) -> MissingModel:
    return MissingModel(
        "{name}.pth cannot be loaded: it is not there, not whole, or no network that enlarges four times."
        " Look at models.upscale in config.toml.",
        name=name,
    )
