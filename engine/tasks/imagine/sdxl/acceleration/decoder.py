"""Decodes latents to pixels."""

from collections.abc import Callable
from typing import Any


def decoding(vae: Any) -> Callable[[Any], Any]:
    """Return the VAE as a function of tensors: latents (N, 4, h, w) to uint8 (N, 8h, 8w, 3), as diffusers decodes.

    A VAE that overflows in fp16 (`force_upcast` in its configuration) decodes in fp32.
    """
    upcast = bool(vae.config.force_upcast)

    def decode(latents: Any) -> Any:
        plain = _plain(latents, vae.config)
        if upcast:
            plain = plain.float()
        seen = vae.decode(plain, return_dict=False)[0].float()
        return (seen / 2 + 0.5).clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).contiguous()

    return decode


def _plain(latents: Any, config: Any) -> Any:
    """Undo the scaling of the UNet's latents, and the shift if the VAE has statistics for it."""
    mean, spread = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    if mean is None or spread is None:
        return latents / config.scaling_factor
    shift, scale = (latents.new_tensor(each).view(1, -1, 1, 1) for each in (mean, spread))
    return latents * scale / config.scaling_factor + shift
