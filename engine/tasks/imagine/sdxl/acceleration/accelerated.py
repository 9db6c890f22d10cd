"""Runs the UNet and VAE from CUDA graphs, and swaps in compiled versions when they are ready."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

from engine.core.settings import WorkerSettings
from engine.tasks.imagine.sdxl.acceleration.ahead_of_time_compile import compile_ahead
from engine.tasks.imagine.sdxl.acceleration.compiled_regions import UNET, VAE, Regions
from engine.tasks.imagine.sdxl.acceleration.compiler import Compiler, Placement
from engine.tasks.imagine.sdxl.acceleration.text_encoder_graphs import record_reading
from engine.tasks.imagine.sdxl.sampler import Sampler, SampleRequest
from engine.torch_support.compilation import can_compile
from engine.torch_support.cuda_graphs import GraphedCallable, GraphRecorder
from engine.torch_support.transfer import AsyncCopy

COMPILE_AFTER_PICTURES = 2
"""Pictures of one shape after which compiling for it pays off."""


class _CompiledVariant:
    """A compiled network. `make` returns its function, always the same one; `ahead` compiles it for a call in another
    process.
    """

    def __init__(self, regions: Regions, network: Any) -> None:
        self.make = cache(partial(regions.twin, network))
        self.ahead = partial(compile_ahead, regions, network)


class AcceleratedPipeline:
    """Draws with the components of a StableDiffusionXLPipeline."""

    def __init__(self, pipe: Any, settings: WorkerSettings, placement: Placement) -> None:
        """Use the components of `pipe`. `placement` says whether their weights are on the device."""
        import torch

        cuda = settings.device.startswith("cuda")
        self._compiler = Compiler(settings.folder, placement) if can_compile(settings.device) else None
        self._recorder = GraphRecorder(torch.cuda.graph_pool_handle if cuda else lambda: None, recording=cuda)
        if self._compiler:
            self._recorder.is_busy = self._compiler.timing
        self._predict = GraphedCallable(UNET.function(pipe.unet), self._recorder)
        self._decode = GraphedCallable(VAE.function(pipe.vae), self._recorder)
        self._texts = [record_reading(each, self._recorder) for each in (pipe.text_encoder, pipe.text_encoder_2)]
        self._sampler = Sampler(pipe, self._predict, settings.device)
        self._better_unet, self._better_vae = _CompiledVariant(UNET, pipe.unet), _CompiledVariant(VAE, pipe.vae)
        self._cuda = cuda

    def record(self, wanted: bool) -> None:
        """Turn recording on or off. Recordings take memory; without them drawing is slower."""
        self._recorder.recording = wanted and self._cuda
        if not wanted:
            self.forget()

    @contextmanager
    def disable_recording(self) -> Iterator[None]:
        """Ignore recordings within the context, because the weights are not those recorded."""
        self._recorder.disabled = True
        try:
            yield
        finally:
            self._recorder.disabled = False

    def sample(self, request: SampleRequest, on_step: Callable[[int, int, Any], None]) -> Any:
        """Return latents, which the device may still be computing."""
        latents = self._sampler.sample(request, on_step)
        self._improve(self._predict, COMPILE_AFTER_PICTURES * request.steps, self._better_unet)
        return latents

    def decode(self, latents: Any) -> list[AsyncCopy]:
        """Decode the latents one picture at a time, since a VAE takes more memory than a UNet."""
        pictures = [AsyncCopy(self._decode(latents[place : place + 1])[0]) for place in range(len(latents))]
        self._improve(self._decode, COMPILE_AFTER_PICTURES, self._better_vae)
        return pictures

    def forget(self) -> None:
        """Drop all recordings, because the weights have moved or the memory is needed."""
        for each in (self._predict, self._decode, *self._texts):
            each.forget()

    def close(self) -> None:
        """Drop all recordings and stop the compiler."""
        self.forget()
        if self._compiler:
            self._compiler.close()

    def _improve(self, replayed: GraphedCallable, often: int, better: _CompiledVariant) -> None:
        if self._compiler is None or not self._recorder.recording:
            return
        for shape, calls in list(replayed.calls.items()):
            if calls >= often:
                self._compiler.ask(replayed, shape, better.make, better.ahead)
