"""Decodes latents to frames on the host, in pieces when memory is short."""

import gc
from typing import TYPE_CHECKING, Any

import structlog

from engine.core.errors import out_of_memory

if TYPE_CHECKING:
    from engine.tasks.text_to_video.contract import Picture

log = structlog.get_logger()

TIME, NOISE = 0.05, 0.025
"""Timestep that the newer VAEs decode from, and the share of noise that they remove (diffusers' documentation)."""
CHUNK_FRAMES = 16
"""Frames copied to the host at once."""
PIECE_FRAMES, STRIDE_FRAMES = 64, 48
"""Frames decoded together in a piece, and frames from the start of one piece to the next."""


class Decoder:
    """Decodes with `vae`, an AutoencoderKLLTXVideo."""

    def __init__(self, vae: Any) -> None:
        self._vae = vae
        vae.tile_sample_min_num_frames, vae.tile_sample_stride_num_frames = PIECE_FRAMES, STRIDE_FRAMES

    @property
    def in_pieces(self) -> bool:
        """Whether frames and their parts are decoded one after the other, and blended."""
        return bool(self._vae.use_framewise_decoding)

    @in_pieces.setter
    def in_pieces(self, on: bool) -> None:
        self._vae.use_framewise_decoding = self._vae.use_tiling = on

    def frames(self, pipe: Any, latents: Any, generator: Any) -> "list[Picture]":
        """Decode `latents` (1, C, f, h, w), as the transformer of `pipe` has them, with noise from `generator`."""
        plain, time = self._plain(pipe, latents, generator)
        try:
            return self._decode(plain, time)
        except Exception as error:
            if not out_of_memory(error) or self.in_pieces:
                raise
            log.warning("out of memory while decoding: in pieces")
        gc.collect()
        try:
            self.in_pieces = True
            return self._decode(plain, time)
        finally:
            self.in_pieces = False

    def _plain(self, pipe: Any, latents: Any, generator: Any) -> tuple[Any, Any]:
        """Return the latents as the VAE takes them, and the timestep for the newer VAEs."""
        import torch
        from diffusers.utils.torch_utils import randn_tensor

        vae = self._vae
        known = (vae.latents_mean, vae.latents_std, vae.config.scaling_factor)
        plain = pipe._denormalize_latents(latents, *known).to(vae.dtype)  # noqa: SLF001  # of its kind
        if not vae.config.timestep_conditioning:
            return plain, None
        noise = randn_tensor(plain.shape, generator=generator, device=plain.device, dtype=plain.dtype)
        time = torch.tensor([TIME], device=plain.device, dtype=plain.dtype)
        share = torch.tensor(NOISE, device=plain.device, dtype=plain.dtype)
        return (1 - share) * plain + share * noise, time

    def _decode(self, plain: Any, time: Any) -> "list[Picture]":
        seen = self._vae.decode(plain, time, return_dict=False)[0][0]
        return [frame for chunk in seen.split(CHUNK_FRAMES, dim=1) for frame in _levels(chunk)]


def _levels(seen: Any) -> Any:
    """Convert (3, F, H, W) in -1..1 to uint8 (F, H, W, 3)."""
    return (seen.float() / 2 + 0.5).clamp(0, 1).mul(255).round().byte().permute(1, 2, 3, 0).cpu().numpy()
