"""SDXL as a painter. Noise is made on the CPU, so that a seed is the same picture on every device."""

import gc
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.painters import Painting
from engine.backends.parking import Parking
from engine.backends.sdxl.checkpoint import checkpoint
from engine.backends.sdxl.decoder import Picture
from engine.backends.sdxl.fast import Fast
from engine.backends.sdxl.loading import load
from engine.backends.sdxl.preview import Previewer
from engine.backends.sdxl.prompts import Encoded, encode, joined
from engine.backends.sdxl.sampler import Wish
from engine.errors import Sentence
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


ROOMY = 10 * 10**9
"""Bytes of budget under which the parts of SDXL take turns on the device: all of them and a decode take more."""
TILE = 512
"""Pixels of the tiles that a VAE decodes where memory is short."""
IN_TILES = Sentence(template="Memory was short, so it was drawn more slowly and put together from tiles.")


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
        self._device = settings.device
        self._parts = {
            name: Parking(modules, settings.device)
            for name, modules in (
                ("texts", (self._pipe.text_encoder, self._pipe.text_encoder_2)),
                ("unet", (self._pipe.unet,)),
                ("vae", (self._pipe.vae,)),
            )
        }
        self._least = 0 if settings.memory >= ROOMY or settings.device == "cpu" else 2
        self._level = 0
        self.spare(0)

    @property
    def size(self) -> int:
        """Bytes of the weights that are on the device, or take turns there."""
        sizes = [part.size for part in self._parts.values()]
        return max(sizes) if self._level == 2 else sum(sizes)

    def spare(self, level: int) -> None:
        """See `engine.models.Sparing`."""
        level = max(level, self._least)
        if level == self._level:
            return
        self._level = level
        self._fast.record(level == 0)
        self._pipe.vae.use_tiling = level > 0
        self._pipe.vae.tile_sample_min_size = TILE
        self._pipe.vae.tile_latent_min_size = TILE // self._pipe.vae_scale_factor
        if level == 2:
            self._all_parts(Parking.park)
        else:
            self._all_parts(Parking.bring)

    def park(self) -> bool:
        """See `engine.models.Parked`."""
        self._fast.forget()
        self._encoded.cache_clear()
        if all(part.park() for part in self._parts.values()):
            return True
        self.bring()
        return False

    def bring(self) -> None:
        if self._level < 2:
            self._all_parts(Parking.bring)

    def _all_parts(self, move: Callable[[Parking], Any]) -> None:
        for part in self._parts.values():
            move(part)

    @contextmanager
    def _on_device(self, *names: str) -> Iterator[None]:
        """These parts are on the device meanwhile, and nothing is differentiated."""
        import torch

        parts = [self._parts[name] for name in names] if self._level == 2 else []
        for part in parts:
            part.bring()
        try:
            with torch.inference_mode():
                yield
        finally:
            for part in parts:
                part.park()

    def close(self) -> None:
        """Give the device's memory back."""
        import torch

        self._fast.close()
        del self._pipe, self._fast, self._encoded, self._parts
        gc.collect()
        torch.cuda.empty_cache()

    def paint(self, params: "Params", report: "Report") -> Painting:
        """Pictures of the checkpoint's own area: 1024 x 1024, 1344 x 768 or 768 x 1344 for SDXL."""
        watch = _Watch(self._previewer, report, self.preview_every)
        if params.image is not None:
            with self._on_device("texts", "unet", "vae"):
                pictures = self._from_image(params, watch)
        else:
            pictures = []
            for begin in range(0, params.count, self._chunk):
                offsets = range(begin, min(begin + self._chunk, params.count))
                drawn = self._drawn([params] * len(offsets), offsets, watch)
                pictures += [each.pixels() for each in drawn]
        watch.learn(pictures)
        return Painting(pictures, self._notes())

    def paint_together(
        self, jobs: "Sequence[Params]", report: "ReportOf"
    ) -> Iterator[tuple[int, Callable[[], Painting]]]:
        """Jobs of one picture each, alike in shape and steps: the place of each, and what waits for its painting.

        The device is told to make the next pictures while who was yielded one waits for it.
        """
        for begin in range(0, len(jobs), self._chunk):
            for places in self._alike(jobs, range(begin, min(begin + self._chunk, len(jobs)))):
                watch = _Watch(self._previewer, _to_all(places, report), self.preview_every)
                drawn = self._drawn([jobs[place] for place in places], [0] * len(places), watch)
                for place, picture in zip(places, drawn, strict=True):
                    yield place, partial(self._waited, picture)

    @property
    def _chunk(self) -> int:
        return 1 if self._level else CHUNK

    def _alike(self, jobs: "Sequence[Params]", places: Sequence[int]) -> Iterable[Sequence[int]]:
        """Those of `places` that are drawn together: of prompts that are read as equally long."""
        by_length: dict[int, list[int]] = defaultdict(list)
        with self._on_device("texts"):
            for place in places:
                by_length[self._read(jobs[place]).words.shape[1]].append(place)
        return by_length.values()

    def _drawn(self, asked: "Sequence[Params]", offsets: Sequence[int], on_step: OnStep) -> list[Picture]:
        """A picture for each that is asked for, from its seed and offset."""
        first = asked[0]
        guidance = self._guidance(first)
        width, height = self._extent(first.shape)
        with self._on_device("texts"):
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
        with self._on_device("unet"):
            latents = self._fast.sample(wish, on_step)
        with self._on_device("vae"):
            return self._fast.decode(latents)

    def _read(self, params: "Params") -> Encoded:
        return self._encoded(params.prompt, params.negative, self._guidance(params) > 1)

    def _encode(self, prompt: str, negative: str, guided: bool) -> Encoded:
        return encode(self._pipe, prompt, negative, guided=guided)

    def _waited(self, picture: Picture) -> Painting:
        return Painting([picture.pixels()], self._notes())

    def _notes(self) -> tuple[Sentence, ...]:
        return (IN_TILES,) if self._level else ()

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


def _multiple_of_8(pixels_: float) -> int:
    return round(pixels_ / 8) * 8
