"""Which parts of SDXL's networks are compiled, and as what functions the networks are called."""

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
    import torch

    torch._dynamo.config.recompile_limit = MAX_SHAPES  # noqa: SLF001  # torch's only name for it


@dataclass(frozen=True)
class Regions:
    """Of the networks of a `kind`, a class of diffusers: `function` makes a network one of tensors alone.

    `types` are what repeats in it, or else its slow part; compiling the whole takes a minute more and gains nothing.
    """

    kind: str
    function: Callable[[Any], Callable[..., Any]]
    types: Callable[[], tuple[type, ...]]

    def twin(self, network: Any) -> Callable[..., Any]:
        """The function of `network`, on the same weights, its regions compiled at their first call."""
        weights = {id(each): each for each in (*network.parameters(), *network.buffers())}
        other = copy.deepcopy(network, weights)
        for region in self.of(other):
            region.compile(dynamic=False)
        return self.function(other)

    def of(self, network: Any) -> list[Any]:
        """The regions of `network`, which is made to suit a compiler."""
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
