"""Defines which parts of SDXL's networks are compiled, and the networks as functions of tensors."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.tasks.imagine.sdxl.acceleration.channels_last_norm import suit_channels_last
from engine.tasks.imagine.sdxl.acceleration.decoder import decoding
from engine.tasks.imagine.sdxl.sampler import predictor

MAX_SHAPES = 64
"""Shapes that a region may be compiled for before torch gives up on it."""


def allow_shapes() -> None:
    """Raise torch's limit on recompilations to MAX_SHAPES."""
    import torch

    torch._dynamo.config.recompile_limit = MAX_SHAPES  # noqa: SLF001  # torch's only name for it


@dataclass(frozen=True)
class Regions:
    """The parts to compile in networks of a `kind`, the name of a diffusers class.

    `function` turns a network into a function of tensors. `types` are its repeated blocks, or else its slow part:
    compiling the whole network takes a minute longer and gains nothing.
    """

    kind: str
    function: Callable[[Any], Callable[..., Any]]
    types: Callable[[], tuple[type, ...]]

    def twin(self, network: Any) -> Callable[..., Any]:
        """Return the function of `network` on the same weights. Its regions are compiled on their first call."""
        weights = {id(each): each for each in (*network.parameters(), *network.buffers())}
        other = copy.deepcopy(network, weights)
        for region in self.of(other):
            region.compile(dynamic=False)
        return self.function(other)

    def of(self, network: Any) -> list[Any]:
        """Prepare `network` for a compiler and return its regions."""
        suit_channels_last(network)
        return [each for each in network.modules() if isinstance(each, self.types())]


def _of_unet() -> tuple[type, ...]:
    from diffusers.models.attention import BasicTransformerBlock
    from diffusers.models.resnet import ResnetBlock2D

    return BasicTransformerBlock, ResnetBlock2D


def _of_vae() -> tuple[type, ...]:
    from diffusers.models.autoencoders.vae import Decoder

    return (Decoder,)


UNET = Regions("UNet2DConditionModel", predictor, _of_unet)
VAE = Regions("AutoencoderKL", decoding, _of_vae)
