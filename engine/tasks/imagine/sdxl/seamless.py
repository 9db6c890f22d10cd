"""Draws pictures that tile: each edge continues at the opposite one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

PADDING_LATENTS = 16
"""Latents of the opposite edge that the VAE sees beyond each edge when it decodes in tiles."""


@contextmanager
def seamless(pipe: Any) -> Iterator[None]:
    """Make the UNet and VAE wrap around at the edges within the context."""
    with ExitStack() as stack:
        stack.enter_context(_circular(pipe.unet))
        stack.enter_context(_circular_decode(pipe) if pipe.vae.use_tiling else _circular(pipe.vae))
        yield


@contextmanager
def _circular(network: Any) -> Iterator[None]:
    """Make every convolution of `network` pad circularly within the context."""
    import torch

    convolutions = (part for part in network.modules() if isinstance(part, torch.nn.Conv2d))
    changed = [part for part in convolutions if part.padding_mode == "zeros"]
    try:
        for part in changed:
            part.padding_mode = "circular"
        yield
    finally:
        for part in changed:
            part.padding_mode = "zeros"


@contextmanager
def _circular_decode(pipe: Any) -> Iterator[None]:
    """Decode a padded picture and crop it, so that a tile's own edges are not the picture's."""
    import torch

    vae, scale = pipe.vae, pipe.vae_scale_factor
    plain = vae.decode

    def decode(latents: Any, **options: Any) -> Any:
        around = torch.nn.functional.pad(latents, (PADDING_LATENTS,) * 4, mode="circular")
        seen = plain(around, **options)[0]
        inner = slice(PADDING_LATENTS * scale, -PADDING_LATENTS * scale)
        return (seen[..., inner, inner],)

    vae.decode = decode
    try:
        yield
    finally:
        del vae.decode
