"""SDXL as a painter. Noise is made on the CPU, so that a seed is the same picture on every device."""

import gc
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.painters import Painting
from engine.backends.sdxl.checkpoint import checkpoint
from engine.backends.sdxl.loading import load
from engine.backends.sdxl.preview import Previewer
from engine.errors import Sentence
from engine.pictures import pixels
from engine.task import EngineSettings

if TYPE_CHECKING:
    from engine.backends.painters import Report
    from engine.tasks.imagine import Params

DRAWN = 0.95
"""Share of the work that is denoising; the rest is the VAE's."""
STRENGTH = 0.6


class SdxlPainter:
    """The full tier of `imagine`."""

    def __init__(self, settings: EngineSettings) -> None:
        """Raises MissingModel where the checkpoint's files cannot be had."""
        self._checkpoint = checkpoint(settings)
        self._pipe = load(self._checkpoint, settings)
        self._previewer = Previewer()

    @property
    def size(self) -> int:
        """Bytes of all parameters."""
        parts = (part for part in self._pipe.components.values() if hasattr(part, "parameters"))
        return sum(each.numel() * each.element_size() for part in parts for each in part.parameters())

    def close(self) -> None:
        """Give the device's memory back."""
        import torch

        del self._pipe
        gc.collect()
        torch.cuda.empty_cache()

    def paint(self, params: "Params", report: "Report") -> Painting:
        """Pictures of the checkpoint's own area: 1024 x 1024, 1344 x 768 or 768 x 1344 for SDXL."""
        last: list[NDArray[np.float32]] = []

        def on_step(pipe: Any, step: int, _: Any, state: dict[str, Any]) -> dict[str, Any]:
            last[:] = [state["latents"].float().cpu().numpy()]
            report("drawing", DRAWN * (step + 1) / pipe.num_timesteps, self._previewer.look(last[0]))
            return state

        drawn = self._call(params, on_step)
        pictures = [np.round(picture * 255).astype(np.uint8) for picture in drawn]
        self._previewer.learn(last[0], pictures)
        return Painting(pictures, self._notes(params.prompt))

    def _call(self, params: "Params", on_step: Callable[..., dict[str, Any]]) -> Any:
        import torch

        steps = params.steps or self._checkpoint.steps
        asked = {
            "prompt": params.prompt,
            "negative_prompt": params.negative or None,
            "guidance_scale": self._checkpoint.guidance if params.guidance is None else params.guidance,
            "num_images_per_prompt": params.count,
            "generator": [torch.Generator("cpu").manual_seed((params.seed or 0) + i) for i in range(params.count)],
            "callback_on_step_end": on_step,
            "output_type": "np",
        }
        with torch.inference_mode():
            draw = self._from_text if params.image is None else self._from_image
            return draw(asked, params, steps)

    def _from_text(self, asked: dict[str, Any], params: "Params", steps: int) -> Any:
        width, height = self._extent(params.shape)
        return self._pipe(**asked, num_inference_steps=steps, width=width, height=height).images

    def _from_image(self, asked: dict[str, Any], params: "Params", steps: int) -> Any:
        """Diffusers walks `strength` of the steps it is told; a distilled model is told more and walks its own."""
        from diffusers import StableDiffusionXLImg2ImgPipeline
        from PIL import Image, ImageOps

        assert params.image is not None
        strength = params.strength or STRENGTH
        told = math.ceil(steps / strength) if self._checkpoint.distilled else max(steps, math.ceil(1 / strength))
        begun = ImageOps.fit(Image.fromarray(pixels(params.image.path)), self._extent(params.shape))
        pipe = StableDiffusionXLImg2ImgPipeline(**self._pipe.components)
        pipe.set_progress_bar_config(disable=True)
        return pipe(**asked, image=begun, strength=strength, num_inference_steps=told).images

    def _extent(self, shape: str) -> tuple[int, int]:
        """Width and height: SDXL's buckets of about the same area (Podell et al. 2023, appendix I)."""
        side = self._pipe.unet.config.sample_size * self._pipe.vae_scale_factor
        long, short = _multiple_of_8(side * 21 / 16), _multiple_of_8(side * 3 / 4)
        return {"square": (side, side), "wide": (long, short), "tall": (short, long)}[shape]

    def _notes(self, prompt: str) -> tuple[Sentence, ...]:
        """CLIP reads 77 tokens, the first and the last of them its own marks."""
        tokenizer = self._pipe.tokenizer
        room = tokenizer.model_max_length - 2
        unread = tokenizer(prompt, add_special_tokens=False, truncation=False).input_ids[room:]
        if not unread:
            return ()
        words = tokenizer.decode(unread)[:80]
        return (
            Sentence(template="The prompt is too long for this model; not read: “{words}”.", facts={"words": words}),
        )


def _multiple_of_8(pixels_: float) -> int:
    return round(pixels_ / 8) * 8
