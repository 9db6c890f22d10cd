"""The full tier: runs a network in torch, loaded by spandrel from the authors' .pth file."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import MissingModel
from engine.core.progress import OnStep, subrange
from engine.tasks.upscale.realesrgan.networks import SCALE, Step
from engine.tasks.upscale.realesrgan.rrdb_blocks import FEATURES
from engine.tasks.upscale.realesrgan.rrdb_split import Dense, fits
from engine.tasks.upscale.realesrgan.tiles import output_slice, squares
from engine.torch_support.torchvision_import import import_torchvision

Picture = NDArray[np.uint8]


TAIL_HALO, MARGIN = 2, 2
"""Input pixels that the last layers see, and that resampling to under four times the size reads."""
BLOCK = 15
"""Pixels that a residual block sees: three dense blocks of five convolutions."""
SEEN = 48
"""Overlap of tiles for a network of unknown reach."""
DENSE_VALUES, OTHER_VALUES = 1_200, 4_000
"""Numbers per pixel in a residual block, and in a network that runs as one step."""
COMPACT_VALUES = 700
"""Numbers per pixel in a compact network."""


class TorchUpscaler:
    """Enlarges whole pictures on `device`, or tiles of them step by step: fp16 on a GPU, fp32 on the CPU.

    In an RRDBNet each residual block is a step. Any other network is a single step.
    """

    def __init__(self, path: Path, name: str, device: str) -> None:
        """Load `path`. Raises MissingModel if the file is missing or does not enlarge RGB four times."""
        import torch

        self._device = torch.device(device)
        on_gpu = self._device.type == "cuda"
        self._dtype = torch.float16 if on_gpu else torch.float32
        network = _read(path, name).model.to(self._device, self._dtype).eval().requires_grad_(False)
        self.bytes = sum(value.nbytes for value in network.parameters())
        self.largest = 1024 if on_gpu else 768
        self.parts = Dense(network) if fits(network) else None
        self.whole = Layered(network)
        self.steps: tuple[Step, ...] = (Step(_halo(network) + MARGIN),)
        if self.parts is not None:
            self.steps = Step(1), *[Step(BLOCK)] * self.parts.blocks, Step(1 + TAIL_HALO + MARGIN)
        self.bytes_per_pixel = self._dtype.itemsize * _values(network, self.parts)
        self.bytes_per_feature = self._dtype.itemsize * FEATURES
        self._tail = 256 if on_gpu else 64

    @property
    def spare(self) -> int:
        """Return the bytes that torch has reserved on the card without using them."""
        import torch

        if self._device.type != "cuda":
            return 0
        return int(torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device))

    def enlarge(self, picture: Picture, on_step: OnStep = lambda _: None) -> Picture:
        """Enlarge uint8 (H, W, 3) to uint8 (4H, 4W, 3).

        `on_step` receives the share that is done after each block of layers, and may raise to end the work.
        """
        with self.running():
            if self.parts is None:
                return _to_host(_levels(self.whole(self._planes(picture), on_step)[0]))
            features = self.first(picture)
            for number in range(1, len(self.steps) - 1):
                features = self.step(number, features, subrange(on_step, number, len(self.steps)))
            return self.last(features, picture, subrange(on_step, len(self.steps) - 1, len(self.steps)))

    def first(self, picture: Picture) -> Any:
        """Return the first features of a picture, (1, 64, H, W)."""
        assert self.parts is not None
        return self.parts.first(self._planes(picture))

    def step(self, number: int, features: Any, on_step: OnStep = lambda _: None) -> Any:
        """Run residual block `number`, counted from 1."""
        assert self.parts is not None
        on_step(0)
        return self.parts.block(number - 1, features)

    def last(self, features: Any, picture: Picture, on_step: OnStep = lambda _: None) -> Picture:
        """Run the last layers piece by piece: they see little but have 64 channels at four times the size."""
        import torch

        if self.parts is None:
            return self.enlarge(picture, on_step)
        height, width = picture.shape[:2]
        growing = self.parts.last(features, self.first(picture))
        grown = torch.empty((SCALE * height, SCALE * width, 3), dtype=torch.uint8, device=self._device)
        rows, columns = squares(height, width, self._tail, TAIL_HALO)
        for number, row in enumerate(rows):
            on_step(number / len(rows))
            for column in columns:
                seen = growing[..., row.seen_from : row.seen_to, column.seen_from : column.seen_to]
                made = self.parts.grow(seen.contiguous(memory_format=torch.channels_last))
                grown[output_slice(row, 0), output_slice(column, 0)] = _levels(
                    made[0, :, output_slice(row), output_slice(column)]
                )
        return _to_host(grown)

    def room(self, height: int, width: int) -> Any:
        """Return an uninitialised tensor for features (1, C, height, width)."""
        import torch

        layout = torch.channels_last if height and width else torch.contiguous_format
        size = 1, FEATURES, height, width
        return torch.empty(size, dtype=self._dtype, device=self._device, memory_format=layout)

    def running(self) -> AbstractContextManager[object]:
        """Return a context without gradients: torch would recompile for tensors that track them."""
        import torch

        mode: AbstractContextManager[object] = torch.inference_mode()
        return mode

    def _planes(self, picture: Picture) -> Any:
        """Return the picture as (1, 3, H, W) in 0..1."""
        import torch

        pixels = torch.from_numpy(np.array(picture)).to(self._device)
        return (pixels.to(self._dtype) / 255).permute(2, 0, 1)[None]


class Layered:
    """A network as it is loaded, in the memory layout that a GPU's convolutions prefer."""

    def __init__(self, network: Any) -> None:
        import torch

        self._network = network.to(memory_format=torch.channels_last)
        self._blocks = _blocks(network)

    def __call__(self, picture: Any, on_step: OnStep) -> Any:
        """Map (1, 3, H, W) in 0..1 to (1, 3, 4H, 4W). `on_step` is called before each block."""
        hooks = [
            block.register_forward_pre_hook(_progress_hook(subrange(on_step, number, len(self._blocks))))
            for number, block in enumerate(self._blocks)
        ]
        try:
            return self._network(picture)
        finally:
            for hook in hooks:
                hook.remove()


def _halo(network: Any) -> int:
    """Return how many pixels a network sees: one for each convolution of a compact one."""
    return sum(type(layer).__name__ == "Conv2d" for layer in network.body) if _is_compact(network) else SEEN


def _values(network: Any, parts: Dense | None) -> int:
    if parts is not None:
        return DENSE_VALUES
    return COMPACT_VALUES if _is_compact(network) else OTHER_VALUES


def _is_compact(network: Any) -> bool:
    return type(network).__name__ == "SRVGGNetCompact"


def _blocks(network: Any) -> list[Any]:
    """Return the parts that run one after another: a compact network's layers, or another network's children."""
    return list((network.body if _is_compact(network) else network).children())


def _progress_hook(on_step: OnStep) -> Callable[..., None]:
    return lambda *_: on_step(0)


def _levels(planes: Any) -> Any:
    """Round to levels and reorder to a picture, on the device."""
    return (planes.float() * 255 + 0.5).clamp(0, 255).byte().permute(1, 2, 0)


def _to_host(levels: Any) -> Picture:
    """Copy to the host; from a GPU to page-locked memory, which is faster."""
    import torch

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
        "{name}.pth is missing, damaged, or not a network that enlarges four times. Check models.upscale in"
        " config.toml.",
        name=name,
    )
