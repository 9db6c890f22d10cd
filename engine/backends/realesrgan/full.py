"""The full tier: a network in torch, as spandrel reads it from the authors' .pth file."""

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.realesrgan.dense import Dense, fits
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
        network = _read(path, name).model.to(self._device, self._dtype).eval()
        self.bytes_per_pixel = NETWORKS[name].full_values * self._dtype.itemsize
        self.bytes = sum(value.nbytes for value in network.parameters())
        on_gpu = self._device.type == "cuda"
        self.run: Callable[..., Any] = Dense(network) if on_gpu and fits(network) else Layered(network)

    def enlarge(self, picture: Picture, on_step: OnStep = lambda _: None) -> Picture:
        """uint8 (H, W, 3) -> uint8 (4H, 4W, 3).

        `on_step` hears at each block of layers what share is done, and may raise to end the work.
        """
        import torch

        with torch.inference_mode():
            pixels = torch.from_numpy(np.array(picture)).to(self._device)
            planes = (pixels.to(self._dtype) / 255).permute(2, 0, 1)[None]
            return _levels(self.run(planes, on_step)[0])


class Layered:
    """A network as it comes, in the layout that a GPU's convolutions want."""

    def __init__(self, network: Any) -> None:
        import torch

        self._network = network.to(memory_format=torch.channels_last)
        self._blocks = _blocks(network)

    def __call__(self, picture: Any, on_step: OnStep) -> Any:
        """(1, 3, H, W) in 0..1 to (1, 3, 4H, 4W); `on_step` hears before each block."""
        hooks = [
            block.register_forward_pre_hook(_told(part(on_step, number, len(self._blocks))))
            for number, block in enumerate(self._blocks)
        ]
        try:
            return self._network(picture)
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
    """Rounded and put in a picture's order on the device; a GPU's copy goes to page-locked memory, which is faster."""
    import torch

    levels = (planes.float() * 255 + 0.5).clamp(0, 255).byte().permute(1, 2, 0).contiguous()
    there = torch.empty(levels.shape, dtype=torch.uint8, pin_memory=levels.is_cuda)
    made: Picture = there.copy_(levels).numpy()
    return made


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
