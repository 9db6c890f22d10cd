"""SDXL as a painter. Noise is made on the CPU, so that a seed is the same picture on every device."""

import gc
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.painters import Painting
from engine.backends.sdxl.checkpoint import checkpoint
from engine.backends.sdxl.decoder import Picture
from engine.backends.sdxl.fast import Fast
from engine.backends.sdxl.loading import load
from engine.backends.sdxl.preview import Previewer
from engine.backends.sdxl.prompts import Encoded, encode, joined
from engine.backends.sdxl.sampler import Wish
from engine.pictures import pixels
from engine.task import EngineSettings

if TYPE_CHECKING:
    from engine.backends.painters import Report, ReportOf
    from engine.tasks.imagine import Params

DRAWN = 0.95
"""Share of the work that is denoising; the rest is the VAE's."""
STRENGTH = 0.6
CHUNK = 4
"""Pictures that are denoised together: more of them gain little on the fastest card and take memory on the others."""
TEXTS = 256
"""Prompts whose encodings are kept, 0.3 MB each."""

OnStep = Callable[[int, int, Any], None]


class SdxlPainter:
    """The full tier of `imagine`. `preview_every` is in seconds: a look at the latents makes the device wait."""

    preview_every = 0.5

    def __init__(self, settings: EngineSettings) -> None:
        """Raises MissingModel where the checkpoint's files cannot be had."""
        self._checkpoint = checkpoint(settings)
        self._pipe = load(self._checkpoint, settings)
        self._previewer = Previewer()
        self._encoded = lru_cache(TEXTS)(self._encode)
        self._fast = Fast(self._pipe, settings)

    @property
    def size(self) -> int:
        """Bytes of all parameters."""
        parts = (part for part in self._pipe.components.values() if hasattr(part, "parameters"))
        return sum(each.numel() * each.element_size() for part in parts for each in part.parameters())

    def close(self) -> None:
        """Give the device's memory back."""
        import torch

        self._fast.close()
        del self._pipe, self._fast, self._encoded
        gc.collect()
        torch.cuda.empty_cache()

    def paint(self, params: "Params", report: "Report") -> Painting:
        """Pictures of the checkpoint's own area: 1024 x 1024, 1344 x 768 or 768 x 1344 for SDXL."""
        import torch

        watch = _Watch(self._previewer, report, self.preview_every)
        with torch.inference_mode():
            if params.image is not None:
                pictures = self._from_image(params, watch)
            else:
                drawn = self._drawn([params] * params.count, range(params.count), watch)
                pictures = [each.pixels() for each in drawn]
        watch.learn(pictures)
        return Painting(pictures)

    def paint_together(
        self, jobs: "Sequence[Params]", report: "ReportOf"
    ) -> Iterator[tuple[int, Callable[[], Painting]]]:
        """Jobs of one picture each, alike in shape and steps: the place of each, and what waits for its painting.

        The device is told to make the next pictures while who was yielded one waits for it.
        """
        import torch

        for places in self._chunks(jobs):
            watch = _Watch(self._previewer, _to_all(places, report), self.preview_every)
            with torch.inference_mode():
                drawn = self._drawn([jobs[place] for place in places], [0] * len(places), watch)
            for place, picture in zip(places, drawn, strict=True):
                yield place, partial(_waited, picture)

    def _chunks(self, jobs: "Sequence[Params]") -> Iterator[Sequence[int]]:
        """Places that are drawn together: those of prompts that are read as equally long."""
        import torch

        by_length: dict[int, list[int]] = defaultdict(list)
        with torch.inference_mode():
            for place, job in enumerate(jobs):
                by_length[self._read(job).words.shape[1]].append(place)
        for places in by_length.values():
            yield from (places[begin : begin + CHUNK] for begin in range(0, len(places), CHUNK))

    def _drawn(self, asked: "Sequence[Params]", offsets: Sequence[int], on_step: OnStep) -> list[Picture]:
        """A picture for each that is asked for, from its seed and offset."""
        first = asked[0]
        guidance = self._guidance(first)
        width, height = self._extent(first.shape)
        read = joined([self._read(each) for each in asked])
        wish = Wish(
            words=read.words,
            pooled=read.pooled,
            seeds=tuple((each.seed or 0) + offset for each, offset in zip(asked, offsets, strict=True)),
            width=width,
            height=height,
            steps=first.steps or self._checkpoint.steps,
            guidance=guidance,
            against=None if read.against is None else (read.against, read.pooled_against),
        )
        return self._fast.draw(wish, on_step)

    def _read(self, params: "Params") -> Encoded:
        return self._encoded(params.prompt, params.negative, self._guidance(params) > 1)

    def _encode(self, prompt: str, negative: str, guided: bool) -> Encoded:
        return encode(self._pipe, prompt, negative, guided=guided)

    def _guidance(self, params: "Params") -> float:
        return self._checkpoint.guidance if params.guidance is None else params.guidance

    def _from_image(self, params: "Params", watch: "_Watch") -> list[NDArray[np.uint8]]:
        """Diffusers walks `strength` of the steps it is told; a distilled model is told more and walks its own."""
        import torch
        from diffusers import StableDiffusionXLImg2ImgPipeline
        from PIL import Image, ImageOps

        assert params.image is not None
        steps = params.steps or self._checkpoint.steps
        strength = params.strength or STRENGTH
        told = math.ceil(steps / strength) if self._checkpoint.distilled else max(steps, math.ceil(1 / strength))
        begun = ImageOps.fit(Image.fromarray(pixels(params.image.path)), self._extent(params.shape))
        pipe = StableDiffusionXLImg2ImgPipeline(**self._pipe.components)
        pipe.set_progress_bar_config(disable=True)

        def on_step(pipe: Any, step: int, _: Any, state: dict[str, Any]) -> dict[str, Any]:
            watch(step + 1, pipe.num_timesteps, state["latents"])
            return state

        drawn = pipe(
            **self._read(params).asked(),
            guidance_scale=self._guidance(params),
            num_images_per_prompt=params.count,
            generator=[torch.Generator("cpu").manual_seed((params.seed or 0) + i) for i in range(params.count)],
            callback_on_step_end=on_step,
            output_type="np",
            image=begun,
            strength=strength,
            num_inference_steps=told,
        )
        return [np.round(picture * 255).astype(np.uint8) for picture in drawn.images]

    def _extent(self, shape: str) -> tuple[int, int]:
        """Width and height: SDXL's buckets of about the same area (Podell et al. 2023, appendix I)."""
        side = self._pipe.unet.config.sample_size * self._pipe.vae_scale_factor
        long, short = _multiple_of_8(side * 21 / 16), _multiple_of_8(side * 3 / 4)
        return {"square": (side, side), "wide": (long, short), "tall": (short, long)}[shape]


class _Watch:
    """Tells of each step, with a look at the latents now and then."""

    def __init__(self, previewer: Previewer, report: "Report", every: float) -> None:
        self._previewer = previewer
        self._report = report
        self._every = every
        self._looked = time.monotonic()
        self._latents: Any = None

    def __call__(self, step: int, steps: int, latents: Any) -> None:
        self._latents = latents
        preview = None
        if time.monotonic() - self._looked >= self._every:
            preview = self._previewer.look(latents.float().cpu().numpy())
            self._looked = time.monotonic()
        self._report("drawing", DRAWN * step / steps, preview)

    def learn(self, pictures: "list[NDArray[np.uint8]]") -> None:
        """What latents look like, from the first pictures that are there."""
        if not self._previewer.knows:
            self._previewer.learn(self._latents.float().cpu().numpy(), pictures)


def _to_all(places: Sequence[int], report: "ReportOf") -> "Report":
    def tell(stage: str, fraction: float, preview: NDArray[np.uint8] | None) -> None:
        for place in places:
            report(place, stage, fraction, preview)

    return tell


def _waited(picture: Picture) -> Painting:
    return Painting([picture.pixels()])


def _multiple_of_8(pixels_: float) -> int:
    return round(pixels_ / 8) * 8
