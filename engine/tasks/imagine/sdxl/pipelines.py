"""What diffusers' own pipelines draw: from a picture, into a mask, along a control picture, or by a changed network."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.tasks.imagine.sdxl.control.controlnet import Control
from engine.tasks.imagine.sdxl.inpaint_canvas import Canvas
from engine.tasks.imagine.sdxl.prompts import Encoded
from engine.tasks.imagine.sdxl.resolution import Extent

if TYPE_CHECKING:
    from PIL import Image

DEFAULT_STRENGTH = 0.6
"""How far a picture is left where nobody says how far."""

Picture = NDArray[np.uint8]
OnStep = Callable[[int, int, Any], None]


@dataclass(frozen=True)
class PipelineRequest:
    """What to draw: a picture for each of `seeds`. `steps` are those that the model walks in full.

    `noise` is None where it is that of the seeds. `begun` is the picture to start from; `canvas`, which brings its own,
    is there where only a part is drawn. `control_image` is what `control` sees. Both are of the `extent`.
    """

    read: Encoded
    seeds: tuple[int, ...]
    noise: Any
    extent: Extent
    steps: int
    guidance: float
    distilled: bool
    strength: float | None = None
    begun: "Image.Image | None" = None
    canvas: Canvas | None = None
    control: Control | None = None
    control_weight: float = 1.0
    control_image: "Image.Image | None" = None


def draw(pipe: Any, sketch: PipelineRequest, on_step: OnStep) -> list[Picture]:
    """Pictures of the sketch's extent. `pipe` is the text pipeline, whose parts serve the others."""
    import torch

    def on_step_end(running: Any, step: int, _: Any, state: dict[str, Any]) -> dict[str, Any]:
        on_step(step + 1, running.num_timesteps, state["latents"])
        return state

    asked = {
        **sketch.read.pipeline_arguments(),
        "guidance_scale": sketch.guidance,
        "num_images_per_prompt": len(sketch.seeds),
        "generator": [torch.Generator("cpu").manual_seed(seed) for seed in sketch.seeds],
        "callback_on_step_end": on_step_end,
        "output_type": "np",
        **_start(sketch),
        **_control(sketch),
    }
    with _cast(pipe.vae, pipe.unet.dtype):
        drawn = _pipeline(pipe, sketch)(**asked).images
    pictures = [np.round(picture * 255).astype(np.uint8) for picture in drawn]
    return [sketch.canvas.composite(picture) for picture in pictures] if sketch.canvas else pictures


@contextmanager
def _cast(vae: Any, dtype: Any) -> Iterator[None]:
    """As diffusers expects it: it casts a VAE that overflows in fp16 to and fro itself.

    Afterwards the weights lie where they lay, since recorded work reads them there.
    """
    held = [(each, each.data) for each in (*vae.parameters(), *vae.buffers())]
    try:
        vae.to(dtype)
        yield
    finally:
        for each, data in held:
            each.data = data


def _start(sketch: PipelineRequest) -> dict[str, Any]:
    """From noise, from a picture, or from what is around a hole.

    Diffusers walks `strength` of the steps it is told; a distilled model is told more and walks its own.
    """
    width, height = sketch.extent
    if sketch.canvas is None and sketch.begun is None:
        return {
            "latents": sketch.noise,
            "width": width,
            "height": height,
            "num_inference_steps": sketch.steps,
        }
    strength = sketch.strength or (DEFAULT_STRENGTH if sketch.canvas is None else 1.0)
    told = math.ceil(sketch.steps / strength) if sketch.distilled else max(sketch.steps, math.ceil(1 / strength))
    walked = {"strength": strength, "num_inference_steps": told}
    if sketch.canvas is None:
        return {"image": sketch.begun, **walked}
    part = {"image": sketch.canvas.begun(), "mask_image": sketch.canvas.mask_image(), "width": width, "height": height}
    return part | walked


def _control(sketch: PipelineRequest) -> dict[str, Any]:
    from PIL import Image

    if sketch.control is None:
        return {}
    seen = Image.fromarray(sketch.control.preprocess(np.asarray(sketch.control_image)))
    name = "image" if sketch.canvas is None and sketch.begun is None else "control_image"
    return {name: seen, "controlnet_conditioning_scale": sketch.control_weight}


def _pipeline(pipe: Any, sketch: PipelineRequest) -> Any:
    import diffusers

    start = "Inpaint" if sketch.canvas else "Img2Img" if sketch.begun else ""
    kind = f"{'ControlNet' if sketch.control else ''}{start}"
    if not kind:
        return pipe
    more = {"controlnet": sketch.control.network} if sketch.control else {}
    made = getattr(diffusers, f"StableDiffusionXL{kind}Pipeline")(**pipe.components, **more)
    made.set_progress_bar_config(disable=True)
    return made
