"""An RRDBNet put for a GPU: the same sums as the published network's, in fewer passes over memory.

In a dense block every convolution sees all that came before it, joined. Joined arrays are copies, and convolutions with
32 outputs leave a GPU's matrix units waiting for their inputs. A convolution of joined arrays is the sum of one over
each of them, so here each array goes once through one wide convolution that holds its share of all the later ones.
"""

from threading import Thread
from typing import Any

from engine.tasks.upscale.realesrgan.background_compile import compile_in_background
from engine.tasks.upscale.realesrgan.rrdb_blocks import FEATURES, GROWTH, LAYERS, Part, Tensor, grow, residual
from engine.torch_support.compilation import can_compile

COMPILE_AFTER_TILES = 500
"""Tiles after which the network is compiled: on an H100 that takes a minute, and then saves 33 ms of 74 a tile."""


def fits(network: Any) -> bool:
    """Whether `network` is the classic RRDBNet: 3x3 convolutions in dense blocks of five, and nothing else."""
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
    """The parts of a network, one after the other; kept on its device, in its type."""

    def __init__(self, network: Any) -> None:
        """`network` as `fits` says, on its device."""
        layers = [_pair(layer) for layer in _convolutions(network)]
        inner = layers[1:-5]
        self._first, self._ends = layers[0], [tensor for pair in layers[-5:] for tensor in pair]
        self._blocks = [_block(inner[at : at + 3 * LAYERS]) for at in range(0, len(inner), 3 * LAYERS)]
        self._residual: Part = residual
        self._grow: Part = grow
        self._seen, self._compiles = 0, can_compile(str(self._first[0].device))

    @property
    def blocks(self) -> int:
        return len(self._blocks)

    def first(self, picture: Tensor) -> Tensor:
        """(1, 3, H, W) in 0..1 to features (1, 64, H, W)."""
        from torch.nn import functional

        return functional.conv2d(picture, *self._first, padding=1)

    def block(self, number: int, x: Tensor) -> Tensor:
        made: Tensor = self._residual(x, *self._blocks[number])
        return made

    def last(self, x: Tensor, early: Tensor) -> Tensor:
        """Features that are still to grow, of those after the last block and of the first ones."""
        from torch.nn import functional

        self._seen += 1
        if self._compiles and self._seen > COMPILE_AFTER_TILES:
            self.compile()
        return functional.conv2d(x, *self._ends[:2], padding=1) + early

    def grow(self, x: Tensor) -> Tensor:
        """To (1, 3, 4H, 4W)."""
        made: Tensor = self._grow(x, self._ends[2:])
        return made

    @property
    def weights(self) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Kernels and biases of a residual block, of which all have the same shapes, and those of the last layers."""
        return *self._blocks[0], self._ends[2:]

    def compile(self) -> Thread:
        """In time, with one kernel for all that lies between two convolutions, for any size; ends when that is so."""
        self._compiles = False
        return compile_in_background(self)

    def take(self, residual: Part, grow: Part) -> None:
        """Use these from the next step on."""
        self._residual, self._grow = residual, grow


def _block(layers: list[tuple[Tensor, Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    kernels: list[Tensor] = []
    for at in range(0, len(layers), LAYERS):
        kernels += _shares([kernel for kernel, _ in layers[at : at + LAYERS]])
    return kernels, [bias[:, None, None] for _, bias in layers]


def _shares(kernels: list[Tensor]) -> list[Tensor]:
    """Of each array in a dense block, its channels' share of all the convolutions that see it, one kernel."""
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
