"""An RRDBNet rearranged for a GPU: the same results as the published network in fewer passes over memory.

In a dense block every convolution sees all earlier arrays, joined. Joining copies them, and convolutions with 32
outputs leave a GPU's matrix units waiting for input. A convolution of joined arrays is the sum of one over each, so
here each array passes once through a wide convolution that holds its share of all later ones.
"""

from threading import Thread
from typing import Any

from engine.tasks.upscale.realesrgan.background_compile import compile_in_background
from engine.tasks.upscale.realesrgan.rrdb_blocks import FEATURES, GROWTH, LAYERS, Part, Tensor, grow, residual
from engine.torch_support.compilation import can_compile

COMPILE_AFTER_TILES = 500
"""Tiles after which compiling pays off: on an H100 it takes a minute and saves 33 of 74 ms a tile."""


def fits(network: Any) -> bool:
    """Return whether `network` is a classic RRDBNet: only 3x3 convolutions in dense blocks of five."""
    convolutions = _convolutions(network)
    whole = type(network).__name__ == "RRDBNet" and len(convolutions) % (3 * LAYERS) == 6
    plain = all(layer.kernel_size == (3, 3) and layer.bias is not None for layer in convolutions)
    return (
        whole
        and plain
        and network.shuffle_factor is None
        and network.scale == 4
        and _convolutions(network)[0].out_channels == FEATURES
    )


class Dense:
    """The parts of a network in order, on its device and in its dtype."""

    def __init__(self, network: Any) -> None:
        """Take apart a `network` that `fits`, on its device."""
        layers = [_pair(layer) for layer in _convolutions(network)]
        inner = layers[1:-5]
        self._first, self._ends = layers[0], [tensor for pair in layers[-5:] for tensor in pair]
        self._blocks = [_block(inner[at : at + 3 * LAYERS]) for at in range(0, len(inner), 3 * LAYERS)]
        self._residual: Part = residual
        self._grow: Part = grow
        self._seen, self._compiles = 0, can_compile(str(self._first[0].device))

    @property
    def blocks(self) -> int:
        """Return the number of residual blocks."""
        return len(self._blocks)

    def first(self, picture: Tensor) -> Tensor:
        """Map a picture (1, 3, H, W) in 0..1 to features (1, 64, H, W)."""
        from torch.nn import functional

        return functional.conv2d(picture, *self._first, padding=1)

    def block(self, number: int, x: Tensor) -> Tensor:
        """Run residual block `number`, counted from 0."""
        made: Tensor = self._residual(x, *self._blocks[number])
        return made

    def last(self, x: Tensor, early: Tensor) -> Tensor:
        """Return the features that are still to grow, from those after the last block and the first ones."""
        from torch.nn import functional

        self._seen += 1
        if self._compiles and self._seen > COMPILE_AFTER_TILES:
            self.compile()
        return functional.conv2d(x, *self._ends[:2], padding=1) + early

    def grow(self, x: Tensor) -> Tensor:
        """Map features to (1, 3, 4H, 4W)."""
        made: Tensor = self._grow(x, self._ends[2:])
        return made

    @property
    def weights(self) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Return kernels and biases of a residual block, which all have equal shapes, and the last layers' weights."""
        return *self._blocks[0], self._ends[2:]

    def compile(self) -> Thread:
        """Compile for any size in the background, with one kernel between convolutions. Return the thread."""
        self._compiles = False
        return compile_in_background(self)

    def take(self, residual: Part, grow: Part) -> None:
        """Use these functions from the next step on."""
        self._residual, self._grow = residual, grow


def _block(layers: list[tuple[Tensor, Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    kernels: list[Tensor] = []
    for at in range(0, len(layers), LAYERS):
        kernels += _shares([kernel for kernel, _ in layers[at : at + LAYERS]])
    return kernels, [bias[:, None, None] for _, bias in layers]


def _shares(kernels: list[Tensor]) -> list[Tensor]:
    """For each array in a dense block, return its channels' share of all later convolutions as one kernel."""
    import torch

    width = kernels[0].shape[1]
    starts = [0, *range(width, width + (LAYERS - 1) * GROWTH, GROWTH), width + (LAYERS - 1) * GROWTH]
    return [
        torch.cat([kernel[:, starts[source] : starts[source + 1]] for kernel in kernels[source:]]).contiguous(
            memory_format=torch.channels_last
        )
        for source in range(LAYERS)
    ]


def _pair(layer: Any) -> tuple[Tensor, Tensor]:
    import torch

    return layer.weight.detach().contiguous(memory_format=torch.channels_last), layer.bias.detach()


def _convolutions(network: Any) -> list[Any]:
    return [layer for layer in network.modules() if type(layer).__name__ == "Conv2d"]
