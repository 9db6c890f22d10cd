"""Draws with diffusers' own pipelines: from a picture, into a mask, along a control image, or by a changed network."""

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
"""Default strength when drawing starts from a picture."""

Picture = NDArray[np.uint8]
OnStep = Callable[[int, int, Any], None]


@dataclass(frozen=True)
class PipelineRequest:
    """A picture to draw for each of `seeds`, in `steps` full steps of the model.

    `noise` replaces the seeds' noise unless it is None. `begun` is the starting picture; `canvas` brings its own and is
    set when only a part is redrawn. `control_image` is the input of `control`. Both pictures have the size `extent`.
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


def draw(pipe: Any, request: PipelineRequest, on_step: OnStep) -> list[Picture]:
    """Return pictures of the request's size. The components of `pipe`, the text pipeline, serve the other pipelines."""
    import torch

    def on_step_end(running: Any, step: int, _: Any, state: dict[str, Any]) -> dict[str, Any]:
        on_step(step + 1, running.num_timesteps, state["latents"])
        return state

    arguments = {
        **request.read.pipeline_arguments(),
        "guidance_scale": request.guidance,
        "num_images_per_prompt": len(request.seeds),
        "generator": [torch.Generator("cpu").manual_seed(seed) for seed in request.seeds],
        "callback_on_step_end": on_step_end,
        "output_type": "np",
        **_start(request),
        **_control(request),
    }
    with _cast(pipe.vae, pipe.unet.dtype):
        images = _pipeline(pipe, request)(**arguments).images
    pictures = [np.round(picture * 255).astype(np.uint8) for picture in images]
    return [request.canvas.composite(picture) for picture in pictures] if request.canvas else pictures


@contextmanager
def _cast(vae: Any, dtype: Any) -> Iterator[None]:
    """Give the VAE the dtype that diffusers expects; diffusers casts a VAE that overflows in fp16 by itself.

    The weights return to their old addresses afterwards, where recorded graphs read them.
    """
    held = [(each, each.data) for each in (*vae.parameters(), *vae.buffers())]
    try:
        vae.to(dtype)
        yield
    finally:
        for each, data in held:
            each.data = data


def _start(request: PipelineRequest) -> dict[str, Any]:
    """Return the arguments for starting from noise, from a picture, or from the surroundings of a mask.

    Diffusers takes the share `strength` of the steps it is given, so a distilled model is given more and takes its own
    number.
    """
    width, height = request.extent
    if request.canvas is None and request.begun is None:
        return {
            "latents": request.noise,
            "width": width,
            "height": height,
            "num_inference_steps": request.steps,
        }
    strength = request.strength or (DEFAULT_STRENGTH if request.canvas is None else 1.0)
    steps = math.ceil(request.steps / strength) if request.distilled else max(request.steps, math.ceil(1 / strength))
    walked = {"strength": strength, "num_inference_steps": steps}
    if request.canvas is None:
        return {"image": request.begun, **walked}
    part = {
        "image": request.canvas.begun(),
        "mask_image": request.canvas.mask_image(),
        "width": width,
        "height": height,
    }
    return part | walked


def _control(request: PipelineRequest) -> dict[str, Any]:
    from PIL import Image

    if request.control is None:
        return {}
    seen = Image.fromarray(request.control.preprocess(np.asarray(request.control_image)))
    name = "image" if request.canvas is None and request.begun is None else "control_image"
    return {name: seen, "controlnet_conditioning_scale": request.control_weight}


def _pipeline(pipe: Any, request: PipelineRequest) -> Any:
    import diffusers

    start = "Inpaint" if request.canvas else "Img2Img" if request.begun else ""
    kind = f"{'ControlNet' if request.control else ''}{start}"
    if not kind:
        return pipe
    more = {"controlnet": request.control.network} if request.control else {}
    made = getattr(diffusers, f"StableDiffusionXL{kind}Pipeline")(**pipe.components, **more)
    made.set_progress_bar_config(disable=True)
    return made
