"""LTX-Video as a video generator. Noise is made on the CPU, so that a seed gives the same video on every device."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.core.settings import WorkerSettings
from engine.tasks.film.film import FRAME_RATE
from engine.tasks.text_to_video.ltx import resolution
from engine.tasks.text_to_video.ltx.checkpoint import checkpoint
from engine.tasks.text_to_video.ltx.decoder import Decoder
from engine.tasks.text_to_video.ltx.loading import load
from engine.text.readable import readable_form
from engine.torch_support.cuda import GpuBacklog, release_memory
from engine.torch_support.offload import WeightOffloader

if TYPE_CHECKING:
    from engine.tasks.text_to_video.contract import Picture, Report, VideoRequest

ALL_ON_DEVICE_BYTES = 20 * 10**9
"""Memory budget in bytes under which components take turns on the device: together with a decode they need more."""
STEPS, GUIDANCE = 40, 3.0
"""Default steps and guidance scale."""
DISTILLED_TIMESTEPS = (1000, 993, 987, 981, 975, 909, 725, 0.03)
"""Timesteps of the distilled checkpoints, which take no guidance (diffusers' documentation of LTX-Video)."""
NEGATIVE_PROMPT = "worst quality, inconsistent motion, blurry, jittery, distorted"
"""Negative prompt."""
DEFAULT_PROMPT = "The picture comes alive with natural, gentle movement."
"""Prompt for a picture without words."""
PICTURE_NOISE = 0.025
"""Noise added to a starting picture so that it moves (diffusers' documentation of LTX-Video)."""
ENCODED_SHARE, DENOISED_SHARE = 0.04, 0.9
"""Progress of a part when the prompt is encoded, and when the last step is done."""
MAX_BLOCKS_AHEAD = 4
"""Transformer blocks that the CPU may be ahead of the device, few enough to notice a cancel at once."""


@dataclass(frozen=True)
class Part:
    """`count` frames of `size`, width and height, that start with the picture `begun` of that size, if any."""

    prompt: str
    size: tuple[int, int]
    count: int
    seed: int
    begun: "Picture | None" = None


class LtxVideoGenerator:
    """The full tier of text to video."""

    def __init__(self, settings: WorkerSettings) -> None:
        """Load the checkpoint. Raises MissingModel if its files cannot be had."""
        self._checkpoint = checkpoint(settings)
        self._pipes = load(self._checkpoint, settings)
        self._device = settings.device
        reader = self._pipes.reader
        modules = {"texts": reader.text_encoder, "transformer": reader.transformer, "vae": reader.vae}
        self._parts = {name: WeightOffloader((module.eval(),), settings.device) for name, module in modules.items()}
        self._modules = modules
        self._decoder = Decoder(reader.vae)
        self._least = 0 if settings.memory >= ALL_ON_DEVICE_BYTES or settings.device == "cpu" else 1
        self._level = -1
        self.set_memory_level(0)

    @property
    def name(self) -> str:
        """Return the checkpoint's name."""
        return self._checkpoint.name

    @property
    def size(self) -> int:
        """Return the bytes of the weights that are on the device or take turns there."""
        texts, *others = (part.size for part in self._parts.values())
        return (texts + sum(others), max(texts, sum(others)), sum(others))[self._level]

    def set_memory_level(self, level: int) -> None:
        """See `engine.worker.model_pool.MemoryScalable`. Level 2 encodes the prompt on the CPU and decodes in
        pieces.
        """
        level = max(level, self._least)
        if level == self._level:
            return
        self._level = level
        self._decoder.in_pieces = level == 2
        if level == 0:
            self._bring(*self._parts)
        else:
            self._leave(*self._parts)

    def offload(self) -> bool:
        """See `engine.worker.model_pool.Offloadable`."""
        self._leave(*self._parts)
        return True

    def onload(self) -> None:
        """See `engine.worker.model_pool.Offloadable`."""
        if self._level == 0:
            self._bring(*self._parts)

    def close(self) -> None:
        """Release the device's memory."""
        del self._pipes, self._parts, self._modules, self._decoder
        release_memory()

    def generate(self, request: "VideoRequest", report: "Report") -> "Iterator[Picture]":
        """Yield frames of the size in `resolution.SIZES`. A longer clip continues from its last frame."""
        counts = resolution.parts(request.frames, self._pipes.words.vae_temporal_compression_ratio)
        size = resolution.SIZES[request.shape]
        begun, left = _fit(request.picture, size), request.frames
        for number, count in enumerate(counts):
            tell = partial(_of_part, report, number, len(counts))
            frames = self.part(Part(request.prompt, size, count, request.seed + number, begun), tell)
            shown = frames[min(number, 1) :][:left]
            left -= len(shown)
            yield from shown
            begun = frames[-1]

    def part(self, part: Part, report: Callable[[float], None]) -> "list[Picture]":
        """Return the frames of one part. `report` receives the share of it that is done."""
        import torch

        generator = torch.Generator("cpu").manual_seed(part.seed)
        report(0)
        with self._working("texts"):
            words = self._read(part.prompt or DEFAULT_PROMPT)
        report(ENCODED_SHARE)
        pipe = self._pipes.words if part.begun is None else self._pipes.picture
        with self._working("transformer", "vae"):
            latents = self._denoise(pipe, words, part, generator, report)
        with self._working("vae"):
            return self._decoder.frames(pipe, latents, generator)

    def _read(self, prompt: str) -> dict[str, Any]:
        """Return the encoded prompt and negative prompt as the pipelines take them."""
        device = "cpu" if self._level == 2 else self._device
        read = self._pipes.reader.encode_prompt(
            readable_form(prompt),
            NEGATIVE_PROMPT,
            do_classifier_free_guidance=not self._checkpoint.distilled,
            max_sequence_length=self._pipes.tokens,
            device=device,
        )
        names = ("prompt_embeds", "prompt_attention_mask", "negative_prompt_embeds", "negative_prompt_attention_mask")
        return {
            name: value if value is None else value.to(self._device) for name, value in zip(names, read, strict=True)
        }

    def _denoise(
        self, pipe: Any, words: dict[str, Any], part: Part, generator: Any, report: Callable[[float], None]
    ) -> Any:
        """Return latents (1, channels, frames, height, width) as the transformer has them."""
        from PIL import Image

        width, height = part.size
        given = {"width": width, "height": height, "num_frames": part.count, "frame_rate": FRAME_RATE, **self._manner()}
        if part.begun is not None:
            given["image"] = Image.fromarray(part.begun)
        with self._step_callback(report) as on_step:
            told = {"generator": generator, "output_type": "latent", "callback_on_step_end": on_step}
            latents = pipe(**words, **given, **told).frames
        if latents.ndim == 5:
            return latents
        ratio = pipe.vae_spatial_compression_ratio
        frames = (part.count - 1) // pipe.vae_temporal_compression_ratio + 1
        return pipe._unpack_latents(latents, frames, height // ratio, width // ratio)  # noqa: SLF001  # of its kind

    def _manner(self) -> dict[str, Any]:
        conditions = {"image_cond_noise_scale": PICTURE_NOISE} if self._pipes.conditions else {}
        if not self._checkpoint.distilled:
            return {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE, **conditions}
        steps = (
            {"timesteps": list(DISTILLED_TIMESTEPS)}
            if self._pipes.conditions
            else {"num_inference_steps": len(DISTILLED_TIMESTEPS)}
        )
        return {"guidance_scale": 1.0, **steps, **conditions}

    @contextmanager
    def _step_callback(self, report: Callable[[float], None]) -> "Iterator[Callable[..., dict[str, Any]]]":
        """Return a callback for each step. A cancel is noticed at each of the transformer's blocks."""
        running, done = GpuBacklog(self._device, MAX_BLOCKS_AHEAD), [ENCODED_SHARE]

        def on_block(*_: Any) -> None:
            running.wait()
            report(done[0])

        def on_step(pipe: Any, step: int, *_: Any) -> dict[str, Any]:
            done[0] = ENCODED_SHARE + (DENOISED_SHARE - ENCODED_SHARE) * (step + 1) / pipe.num_timesteps
            report(done[0])
            return {}

        hooks = [block.register_forward_pre_hook(on_block) for block in self._modules["transformer"].transformer_blocks]
        try:
            yield on_step
        finally:
            for hook in hooks:
                hook.remove()

    @contextmanager
    def _working(self, *names: str) -> Iterator[None]:
        """Keep these components on the device within the context, with gradients off."""
        import torch

        taking_turns = self._level > 0
        if taking_turns:
            self._leave(*(name for name in self._parts if name not in names))
            self._bring(*(name for name in names if name != "texts" or self._level == 1))
        with torch.inference_mode():
            yield

    def _leave(self, *names: str) -> None:
        """Move components to the host's pinned memory, or to its ordinary memory if that is full."""
        for name in names:
            if not self._parts[name].offload():
                self._modules[name].to("cpu")

    def _bring(self, *names: str) -> None:
        for name in names:
            self._parts[name].onload()
            self._modules[name].to(self._device)


def _of_part(on_share: "Report", number: int, count: int, fraction: float) -> None:
    on_share((number + fraction) / count)


def _fit(picture: "Picture | None", size: tuple[int, int]) -> "Picture | None":
    """Return `picture` scaled to cover `size` and cropped in the middle."""
    import numpy as np
    from PIL import Image, ImageOps

    return None if picture is None else np.asarray(ImageOps.fit(Image.fromarray(picture), size))
