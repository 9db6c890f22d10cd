"""Turns parameters into a request to a pipeline: size, noise, and which of diffusers' pipelines to use."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from engine.core.settings import WorkerSettings
from engine.media.rgb import load_rgb
from engine.tasks.imagine.sdxl import inpaint_canvas, lora, noise, seamless
from engine.tasks.imagine.sdxl import resolution as extent
from engine.tasks.imagine.sdxl.checkpoint import Checkpoint
from engine.tasks.imagine.sdxl.control import controlnet
from engine.tasks.imagine.sdxl.control.controlnet import Control
from engine.tasks.imagine.sdxl.inpaint_canvas import Canvas
from engine.tasks.imagine.sdxl.pipelines import PipelineRequest
from engine.tasks.imagine.sdxl.prompts import Encoded
from engine.tasks.imagine.sdxl.resolution import Extent
from engine.torch_support.offload import WeightOffloader

if TYPE_CHECKING:
    from engine.tasks.imagine.params import Params


class RequestBuilder:
    """Builds requests for `pipe`, the checkpoint's StableDiffusionXLPipeline."""

    def __init__(self, pipe: Any, checkpoint: Checkpoint, settings: WorkerSettings) -> None:
        self._pipe = pipe
        self._checkpoint = checkpoint
        self._settings = settings
        self._controls: dict[str, Control] = {}

    @contextmanager
    def with_options(self, params: "Params") -> Iterator[None]:
        """Apply the requested LoRAs and seamless edges within the context. Raises MissingModel."""
        with ExitStack() as stack:
            if params.loras:
                stack.enter_context(lora.with_loras(self._pipe, params.loras, self._settings))
            if params.tiling:
                stack.enter_context(seamless.seamless(self._pipe))
            yield

    def build(self, params: "Params", read: Encoded, offsets: Sequence[int]) -> PipelineRequest:
        """Return the request for the pictures at `offsets` of a job. Raises BadInput."""
        part = self._canvas(params)
        size = part.extent if part else self.output_size(params)
        image = part.begun() if part else self._image(params, size)
        followed_only = params.control is not None and params.strength is None
        return PipelineRequest(
            read=read,
            seeds=tuple((params.seed or 0) + offset for offset in offsets),
            noise=self.noise(params, offsets, size),
            extent=size,
            steps=params.steps or self._checkpoint.steps,
            guidance=self.guidance(params),
            distilled=self._checkpoint.distilled,
            strength=params.strength,
            begun=None if followed_only else image,
            canvas=part,
            control=self._controls.get(params.control or ""),
            control_weight=params.control_weight,
            control_image=image,
        )

    def guidance(self, params: "Params") -> float:
        """Return the requested guidance scale, or the checkpoint's."""
        return self._checkpoint.guidance if params.guidance is None else params.guidance

    def output_size(self, params: "Params") -> Extent:
        """Return the requested size, or that of the starting picture, or square. Raises BadInput."""
        if params.width and params.height:
            return extent.exact(params.width, params.height, self._side)
        if params.shape is None and params.image and params.image.width and params.image.height:
            return extent.of_ratio(params.image.width / params.image.height, self._side)
        return extent.of_shape(params.shape or "square", self._side)

    def noise(self, params: "Params", offsets: Sequence[int], size: Extent) -> Any:
        """For a variation, return each picture's latent noise: the seed's, rotated towards another seed's."""
        if not params.variation:
            return None
        scale = self._pipe.vae_scale_factor
        shape = (self._pipe.unet.config.in_channels, size[1] // scale, size[0] // scale)
        seed, dtype = params.seed or 0, self._pipe.unet.dtype
        towards = seed + 1 if params.variation_seed is None else params.variation_seed
        others = noise.noises([towards + offset for offset in offsets], shape, dtype)
        return noise.slerp(noise.noises([seed], shape, dtype).expand_as(others), others, params.variation)

    def follows(self, kind: str) -> bool:
        """Return whether the ControlNet for `kind` is loaded."""
        return kind in self._controls

    def follow(self, kind: str) -> WeightOffloader:
        """Load the ControlNet for `kind` and drop any other. Return its weights."""
        self._controls.clear()
        self._controls[kind] = controlnet.load(kind, self._settings)
        return WeightOffloader(self._controls[kind].networks, self._settings.device)

    def _canvas(self, params: "Params") -> Canvas | None:
        if params.image is None or not (params.mask or params.extend):
            return None
        picture = load_rgb(params.image.path)
        if params.mask:
            return inpaint_canvas.inpainting(picture, load_rgb(params.mask.path, "mask"), self._side)
        assert params.extend is not None
        return inpaint_canvas.extending(picture, params.extend, self._side)

    def _image(self, params: "Params", size: Extent) -> Any:
        from PIL import Image, ImageOps

        if params.image is None:
            return None
        return ImageOps.fit(Image.fromarray(load_rgb(params.image.path)), size, Image.Resampling.LANCZOS)

    @property
    def _side(self) -> int:
        return int(self._pipe.unet.config.sample_size * self._pipe.vae_scale_factor)
