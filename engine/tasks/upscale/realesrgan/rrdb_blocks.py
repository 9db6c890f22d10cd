"""The blocks of an RRDBNet as functions of their weights, which torch can compile."""

from collections.abc import Callable, Sequence
from typing import Any

Tensor = Any

Part = Callable[..., Tensor]

Kernels = Sequence[Tensor]

LAYERS = 5
"""Convolutions in a dense block. A residual block has three of those, and a network six more around its blocks."""

FEATURES = 64
"""Channels between blocks."""

GROWTH = 32
"""Channels that each of the first four convolutions adds."""

SLOPE = 0.2
"""Slope of the leaky ReLU."""


def residual(x: Tensor, kernels: Kernels, biases: Kernels) -> Tensor:
    """Run a residual block: three dense blocks, scaled and added to the input."""
    y = x
    for at in range(0, len(kernels), LAYERS):
        y = _dense(y, kernels[at : at + LAYERS], biases[at : at + LAYERS])
    return y * 0.2 + x


def grow(x: Tensor, ends: Kernels) -> Tensor:
    """Double the size twice and return to three channels."""
    from torch.nn import functional

    kernels, biases = ends[::2], ends[1::2]
    for at in (0, 1):
        x = functional.interpolate(x, scale_factor=2, mode="nearest")
        x = functional.leaky_relu(functional.conv2d(x, kernels[at], biases[at], padding=1), SLOPE)
    x = functional.leaky_relu(functional.conv2d(x, kernels[2], biases[2], padding=1), SLOPE)
    return functional.conv2d(x, kernels[3], biases[3], padding=1)


def _dense(x: Tensor, kernels: Kernels, biases: Kernels) -> Tensor:
    from torch.nn import functional

    sums = functional.conv2d(x, kernels[0], padding=1)
    for kernel, bias in zip(kernels[1:], biases, strict=False):
        grown = functional.leaky_relu(sums[:, :GROWTH] + bias, SLOPE)
        sums = sums[:, GROWTH:] + functional.conv2d(grown, kernel, padding=1)
    return (sums + biases[-1]) * 0.2 + x
