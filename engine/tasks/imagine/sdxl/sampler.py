"""SDXL's denoising loop for pictures of several people at once. The numbers equal those of diffusers' pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.tasks.imagine.sdxl.noise import noises
from engine.torch_support.cuda import GpuBacklog
from engine.torch_support.transfer import tensor_to_device

MAX_STEPS_AHEAD = 2
"""Steps that the CPU may be ahead of the device: enough to keep it busy, few enough to notice a cancel."""


@dataclass(frozen=True)
class SampleRequest:
    """Pictures to draw together: one row of each tensor and one seed per picture. Sizes are in pixels.

    `words` (N, tokens, width) and `pooled` (N, width) come from SDXL's two text encoders. `negative_embeds` holds both
    for the negative prompt, with guidance. `noise` (N, 4, height / 8, width / 8), of standard deviation 1, replaces the
    seeds' noise.
    """

    words: Any
    pooled: Any
    seeds: tuple[int, ...]
    width: int
    height: int
    steps: int
    guidance: float = 0.0
    negative_embeds: tuple[Any, Any] | None = None
    noise: Any = None


def predictor(unet: Any) -> Callable[..., Any]:
    """Return the UNet as a function of tensors: latents, time, words, pooled words, sizes."""

    def predict(latents: Any, time: Any, words: Any, pooled: Any, sizes: Any) -> Any:
        more = {"text_embeds": pooled, "time_ids": sizes}
        return unet(latents, time, encoder_hidden_states=words, added_cond_kwargs=more, return_dict=False)[0]

    return predict


class Sampler:
    """Samples with the components of `pipe`, a StableDiffusionXLPipeline.

    `predict` calls its UNet (see `predictor`). `device` is where the UNet is, wherever the other components are.
    """

    def __init__(self, pipe: Any, predict: Callable[..., Any], device: str) -> None:
        self._pipe = pipe
        self._device = device
        self._predict = predict

    def sample(self, request: SampleRequest, on_step: Callable[[int, int, Any], None]) -> Any:
        """Return latents (N, 4, height / 8, width / 8). `on_step(step, steps, latents)` may raise to end the run."""
        import torch

        scheduler, dtype = self._pipe.scheduler, request.words.dtype
        scheduler.set_timesteps(
            request.steps
        )  # on the host, where it looks its place up without waiting for the device
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in request.seeds]
        more = self._pipe.prepare_extra_step_kwargs(generators, 0.0)
        latents = self._begun(request)
        conditions = self._conditions(request)
        running = GpuBacklog(self._device, MAX_STEPS_AHEAD)
        times = scheduler.timesteps
        sent = tensor_to_device(times, self._device)
        for step, time in enumerate(times):
            noise = self._noise(scheduler.scale_model_input(latents, time), sent[step], conditions, request)
            latents = scheduler.step(noise, time, latents, **more, return_dict=False)[0].to(dtype)
            running.wait()
            on_step(step + 1, len(times), latents)
        return latents

    def _begun(self, request: SampleRequest) -> Any:
        """Return noise scaled to the scheduler's initial sigma."""
        scale = self._pipe.vae_scale_factor
        shape = (4, request.height // scale, request.width // scale)
        noise = noises(request.seeds, shape, request.words.dtype) if request.noise is None else request.noise
        return tensor_to_device(noise, self._device) * self._pipe.scheduler.init_noise_sigma

    def _noise(self, latents: Any, time: Any, conditions: tuple[Any, ...], request: SampleRequest) -> Any:
        import torch

        if request.negative_embeds is None:
            return self._predict(latents, time, *conditions)
        plain, told = self._predict(torch.cat([latents, latents]), time, *conditions).chunk(2)
        return plain + request.guidance * (told - plain)

    def _conditions(self, request: SampleRequest) -> tuple[Any, ...]:
        """Return words, pooled words and sizes, with the negative prompt's rows first."""
        import torch

        pipe, size = self._pipe, (request.height, request.width)
        width = pipe.text_encoder_2.config.projection_dim
        sizes = pipe._get_add_time_ids(size, (0, 0), size, request.words.dtype, width)  # noqa: SLF001  # the card's own numbers
        sizes = tensor_to_device(sizes, self._device).repeat(
            len(request.seeds) * (1 if request.negative_embeds is None else 2), 1
        )
        if request.negative_embeds is None:
            return request.words, request.pooled, sizes
        return (
            torch.cat([request.negative_embeds[0], request.words]),
            torch.cat([request.negative_embeds[1], request.pooled]),
            sizes,
        )
