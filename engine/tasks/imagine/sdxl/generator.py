"""SDXL as an image generator. Noise is made on the CPU, so that a seed gives the same picture on every device."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import UserMessage
from engine.core.settings import WorkerSettings
from engine.tasks.imagine.contract import GeneratedImages, unread_words
from engine.tasks.imagine.sdxl import pipelines
from engine.tasks.imagine.sdxl.acceleration.accelerated import AcceleratedPipeline
from engine.tasks.imagine.sdxl.checkpoint import checkpoint
from engine.tasks.imagine.sdxl.loading import load
from engine.tasks.imagine.sdxl.preview import Previewer
from engine.tasks.imagine.sdxl.prompt_cache import PromptEncoderCache, PromptPair
from engine.tasks.imagine.sdxl.prompts import Encoded, concatenate, encode
from engine.tasks.imagine.sdxl.request import RequestBuilder
from engine.tasks.imagine.sdxl.sampler import SampleRequest
from engine.tasks.imagine.sdxl.step_reports import StepReporter, report_to_each
from engine.torch_support.cuda import release_memory
from engine.torch_support.offload import WeightOffloader
from engine.torch_support.transfer import AsyncCopy

if TYPE_CHECKING:
    from engine.tasks.imagine.contract import Report, ReportOf
    from engine.tasks.imagine.params import Params

MAX_DENOISED_TOGETHER = 4
"""Pictures denoised together. More gain little on the fastest card and take memory on the others."""
ALL_ON_DEVICE_BYTES = 10 * 10**9
"""Memory budget in bytes under which SDXL's components take turns on the device: together with a decode they need more.
"""
VAE_TILE_PIXELS = 512
"""Side of the VAE's tiles in pixels when memory is short."""
IN_TILES = UserMessage(template="Memory was low, so the picture was drawn in tiles, which takes longer.")
FOREIGN = "The model understands little of “{words}”. Write the prompt in English; emoji work too."

OnStep = Callable[[int, int, Any], None]


class SdxlGenerator:
    """The full tier of `imagine`. `preview_every` is in seconds: each preview makes the device wait."""

    preview_every = 0.5

    def __init__(self, settings: WorkerSettings) -> None:
        """Load the checkpoint. Raises MissingModel if its files cannot be had."""
        self._checkpoint = checkpoint(settings)
        self._pipe = load(self._checkpoint, settings)
        self._previewer = Previewer()
        self._reader = PromptEncoderCache(self._pipe)
        self._builder = RequestBuilder(self._pipe, self._checkpoint, settings)
        self._device = settings.device
        self._parts = {
            name: WeightOffloader(modules, settings.device)
            for name, modules in (
                ("texts", (self._pipe.text_encoder, self._pipe.text_encoder_2)),
                ("unet", (self._pipe.unet,)),
                ("vae", (self._pipe.vae,)),
            )
        }
        self._fast = AcceleratedPipeline(
            self._pipe, settings, partial(_placement, (self._parts["unet"], self._parts["vae"]))
        )
        self._least = 0 if settings.memory >= ALL_ON_DEVICE_BYTES or settings.device == "cpu" else 2
        self._level = 0
        self.set_memory_level(0)

    @property
    def size(self) -> int:
        """Return the bytes of the weights that are on the device or take turns there."""
        sizes = [part.size for part in self._parts.values()]
        return max(sizes) if self._level == 2 else sum(sizes)

    def set_memory_level(self, level: int) -> None:
        """See `engine.worker.model_pool.MemoryScalable`."""
        level = max(level, self._least)
        if level == self._level:
            return
        self._level = level
        self._fast.record(level == 0)
        self._pipe.vae.use_tiling = level > 0
        self._pipe.vae.tile_sample_min_size = VAE_TILE_PIXELS
        self._pipe.vae.tile_latent_min_size = VAE_TILE_PIXELS // self._pipe.vae_scale_factor
        if level == 2:
            self._all_parts(WeightOffloader.offload)
        else:
            self._all_parts(WeightOffloader.onload)

    def offload(self) -> bool:
        """See `engine.worker.model_pool.Offloadable`."""
        self._fast.forget()
        self._reader.forget()
        if all(part.offload() for part in self._parts.values()):
            return True
        self.onload()
        return False

    def onload(self) -> None:
        """See `engine.worker.model_pool.Offloadable`."""
        if self._level < 2:
            self._all_parts(WeightOffloader.onload)

    def _all_parts(self, move: Callable[[WeightOffloader], Any]) -> None:
        for part in self._parts.values():
            move(part)

    @contextmanager
    def _on_device(self, *names: str) -> Iterator[None]:
        """Keep these components on the device within the context, with gradients off."""
        import torch

        parts = [self._parts[name] for name in names] if self._level == 2 else []
        for part in parts:
            part.onload()
        try:
            with torch.inference_mode():
                yield
        finally:
            for part in parts:
                part.offload()

    def close(self) -> None:
        """Release the device's memory."""
        self._fast.close()
        self._all_parts(WeightOffloader.drop)  # a compiler may hold the networks for minutes yet
        del self._pipe, self._fast, self._reader, self._parts, self._builder
        release_memory()

    def generate(self, params: "Params", report: "Report") -> GeneratedImages:
        """Return pictures of the checkpoint's native area: 1024 x 1024, 1344 x 768 or 768 x 1344 for SDXL."""
        watch = StepReporter(self._previewer, report, self.preview_every)
        pictures = list(self._in_words(params, watch) if params.is_text_only else self._along(params, watch))
        watch.learn(pictures)
        return self._painting(pictures, params)

    def _in_words(self, params: "Params", watch: StepReporter) -> Iterator[NDArray[np.uint8]]:
        for offsets in self._offsets(params):
            drawn = self._draw([params] * len(offsets), offsets, watch)
            yield from (each.result() for each in drawn)

    def _along(self, params: "Params", watch: StepReporter) -> Iterator[NDArray[np.uint8]]:
        """Draw what needs more than words: a starting picture, mask, control, LoRA or seamless edges."""
        self._follow(params.control)
        if params.control:
            self._fast.forget()  # what is recorded and a ControlNet at work are too much for 15 GB
        changes = self._parts if params.loras else ()  # a LoRA is put where the weights are
        with self._on_device(*changes), self._fast.disable_recording(), self._builder.with_options(params):
            with self._on_device("texts"):
                guided = self._builder.guidance(params) > 1
                read = encode(self._pipe, params.prompt, params.negative, guided=guided)
            with self._on_device(*(self._parts.keys() - {"texts"})):
                for offsets in self._offsets(params):
                    yield from pipelines.draw(self._pipe, self._builder.build(params, read, offsets), watch)

    def _follow(self, kind: str | None) -> None:
        """Load the ControlNet for `kind`, after unloading the previous one: two beside SDXL are too much."""
        if kind is None or self._builder.follows(kind):
            return
        self._parts.pop("control", None)
        new = self._parts["control"] = self._builder.follow(kind)
        if self._level == 2:
            new.offload()

    def _offsets(self, params: "Params") -> Iterator[range]:
        """Yield the ranges of pictures that are drawn together."""
        for begin in range(0, params.count, self._chunk):
            yield range(begin, min(begin + self._chunk, params.count))

    def generate_batch(
        self, jobs: "Sequence[Params]", report: "ReportOf"
    ) -> Iterator[tuple[int, Callable[[], GeneratedImages]]]:
        """Draw jobs of one picture each with equal shape and steps. Yield each job's index and a function that waits
        for it.

        The device starts on the next pictures while the caller waits for one.
        """
        for begin in range(0, len(jobs), self._chunk):
            for places in self._alike(jobs, range(begin, min(begin + self._chunk, len(jobs)))):
                watch = StepReporter(self._previewer, report_to_each(places, report), self.preview_every)
                drawn = self._draw([jobs[place] for place in places], [0] * len(places), watch)
                for place, picture in zip(places, drawn, strict=True):
                    yield place, partial(self._wait_for, picture, jobs[place])

    @property
    def _chunk(self) -> int:
        return 1 if self._level else MAX_DENOISED_TOGETHER

    def _alike(self, jobs: "Sequence[Params]", places: Sequence[int]) -> Iterable[Sequence[int]]:
        """Group `places` whose prompts encode to the same length, in chunks that are drawn together."""
        by_length: dict[int, list[int]] = defaultdict(list)
        with self._on_device("texts"):
            for place, read in zip(places, self._read([jobs[place] for place in places]), strict=True):
                by_length[read.words.shape[1]].append(place)
        return by_length.values()

    def _draw(self, jobs: "Sequence[Params]", offsets: Sequence[int], on_step: OnStep) -> list[AsyncCopy]:
        """Return one picture for each request, from its seed and offset."""
        first = jobs[0]
        guidance = self._builder.guidance(first)
        width, height = self._builder.output_size(first)
        with self._on_device("texts"):
            read = concatenate(self._read(jobs))
        request = SampleRequest(
            words=read.words,
            pooled=read.pooled,
            seeds=tuple((each.seed or 0) + offset for each, offset in zip(jobs, offsets, strict=True)),
            width=width,
            height=height,
            steps=first.steps or self._checkpoint.steps,
            guidance=guidance,
            noise=self._builder.noise(first, offsets, (width, height)),
            negative_embeds=None
            if read.negative_embeds is None
            else (read.negative_embeds, read.pooled_negative_embeds),
        )
        with self._on_device("unet"):
            latents = self._fast.sample(request, on_step)
        with self._on_device("vae"):
            return self._fast.decode(latents)

    def _read(self, jobs: "Sequence[Params]") -> list[Encoded]:
        guided = [self._builder.guidance(each) > 1 for each in jobs]
        return self._reader.read(
            [PromptPair(each.prompt, each.negative, also) for each, also in zip(jobs, guided, strict=True)]
        )

    def _wait_for(self, picture: AsyncCopy, params: "Params") -> GeneratedImages:
        return self._painting([picture.result()], params)

    def _painting(self, pictures: list[NDArray[np.uint8]], params: "Params") -> GeneratedImages:
        """Return the pictures with notes and facts. The fact `extends` says that they can be extended."""
        notes: tuple[UserMessage, ...] = (IN_TILES,) if self._level else ()
        if foreign := unread_words(params):
            notes += (UserMessage(template=FOREIGN, facts={"words": foreign}),)
        return GeneratedImages(pictures, notes, {"model": self._checkpoint.name, "extends": True})


def _placement(parts: Iterable[WeightOffloader]) -> int | None:
    """See `engine.tasks.imagine.sdxl.acceleration.compiler.Placement`."""
    return None if any(part.is_offloaded for part in parts) else sum(part.moves for part in parts)
