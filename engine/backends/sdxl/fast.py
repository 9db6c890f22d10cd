"""The UNet and the VAE at the card's speed: recorded at once, compiled in the background, swapped in when ready."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from engine.backends.sdxl.compiler import Compiler, can_compile, twin
from engine.backends.sdxl.decoder import Picture, decoding
from engine.backends.sdxl.replay import Replayed
from engine.backends.sdxl.sampler import Sampler, Wish, predictor
from engine.task import EngineSettings

OFTEN = 2
"""Pictures of one shape after which it is worth compiling for."""


class Fast:
    """Draws with the parts of a StableDiffusionXLPipeline. Recordings take memory; `recording` off makes none."""

    def __init__(self, pipe: Any, settings: EngineSettings) -> None:
        import torch

        cuda = settings.device.startswith("cuda")
        pool = torch.cuda.graph_pool_handle() if cuda else None
        self._compiler = Compiler(settings.folder / "compiled") if can_compile(settings.device) else None
        self.recording = cuda
        self._predict = Replayed(predictor(pipe.unet), pool, self._may_record)
        self._decode = Replayed(decoding(pipe.vae), pool, self._may_record)
        self._sampler = Sampler(pipe, self._predict, settings.device)
        self._better_unet, self._better_vae = cache(partial(_better_unet, pipe)), cache(partial(_better_vae, pipe))

    def sample(self, wish: Wish, on_step: Callable[[int, int, Any], None]) -> Any:
        """Latents, which the device may still be making."""
        latents = self._sampler.sample(wish, on_step)
        self._improve(self._predict, OFTEN * wish.steps, self._better_unet)
        return latents

    def decode(self, latents: Any) -> list[Picture]:
        """The pictures, one after the other, since a VAE takes more memory than a UNet."""
        pictures = [Picture(self._decode(latents[place : place + 1])[0]) for place in range(len(latents))]
        self._improve(self._decode, OFTEN, self._better_vae)
        return pictures

    def _may_record(self) -> bool:
        return self.recording and not (self._compiler and self._compiler.busy())

    def forget(self) -> None:
        """Drop what was recorded: the weights have moved, or the memory is needed."""
        self._predict.forget()
        self._decode.forget()

    def close(self) -> None:
        self.forget()
        if self._compiler:
            self._compiler.close()

    def _improve(self, replayed: Replayed, often: int, make: Callable[[], Callable[..., Any]]) -> None:
        if self._compiler is None or not self.recording:
            return
        for shape, calls in list(replayed.calls.items()):
            inputs = replayed.inputs(shape)
            if calls >= often and inputs:
                self._compiler.ask(replayed, shape, make, inputs)


def _better_unet(pipe: Any) -> Callable[..., Any]:
    from diffusers.models.resnet import ResnetBlock2D
    from diffusers.models.transformers.transformer_2d import Transformer2DModel

    return predictor(twin(pipe.unet, (Transformer2DModel, ResnetBlock2D)))


def _better_vae(pipe: Any) -> Callable[..., Any]:
    return decoding(twin(pipe.vae, (type(pipe.vae.decoder),)))
