"""Text to image with pocket: encode the text, sample from noise, guide each step."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.tasks.imagine.pocket.minilm import MiniLM
from engine.tasks.imagine.pocket.network import Network
from engine.tasks.imagine.pocket.sampler import Array, sample, times
from engine.tasks.imagine.pocket.shape import Picture, Shape, widen
from engine.weights import registry

DEFAULT_STRENGTH = 0.75
"""Default strength when drawing starts from a picture."""
OnStep = Callable[[int, int, Picture], None]


class Pocket:
    """Draws square pictures of `size` pixels. A `pocket.onnx` in the weights folder replaces the repository's."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        """Load the network and its text encoder from the weights `folder`. Raises MissingModel."""
        text = registry.path_or_raise("minilm", folder)
        self._network = Network(registry.path_or_raise("pocket", folder), threads)
        self._settings = self._network.settings
        encoder = MiniLM(text / "model.safetensors", text / "tokenizer.json", self._settings.tokens)
        self._read = lru_cache(maxsize=64)(encoder.read)
        self.identity = f"pocket-{self._network.digest[:12]}"
        self.size, self.steps, self.guidance = self._settings.size, self._settings.steps, self._settings.guidance
        self.bytes = self._network.bytes + encoder.bytes

    def unread(self, prompt: str) -> tuple[str, ...]:
        """Return the last words of `prompt` that do not fit: the model reads about 20 word pieces."""
        return self._read(prompt).unread

    def draw(
        self,
        prompt: str,
        *,
        negative: str = "",
        seed: int,
        steps: int | None = None,
        guidance: float | None = None,
        count: int = 1,
        shape: Shape = "square",
        image: Picture | None = None,
        strength: float | None = None,
        on_step: OnStep | None = None,
    ) -> list[Picture]:
        """Return `count` pictures, uint8 (H, W, 3), whose shorter side is `size`.

        Picture i starts from the noise of PCG64(seed + i) and is the same when drawn alone. `steps` and `guidance`
        default to the model's. With an `image`, uint8 (H, W, 3), sampling takes only the share `strength` of the steps,
        from time (1 - strength)^2: by eye, 0.75 mixes the picture with the prompt, and a start at 1 - strength left it
        unchanged.

        `on_step(done, total, estimates)` gets the clean estimates (count, H, W, 3) after each step. An exception from
        it ends the drawing.
        """
        share = 1.0 if image is None else DEFAULT_STRENGTH if strength is None else strength
        start = (1 - share) ** 2
        moments = times(max(1, round((steps or self.steps) * share)), self._settings.shift, start)
        guided, free = self._read(prompt).states, self._read(negative).states
        scale = self.guidance if guidance is None else guidance

        def predict(z: Array, t: float) -> Array:
            return np.stack([self._network.predict(one, t, guided, free, scale) for one in z])

        pictures: list[Picture] = []
        for done, estimates in enumerate(sample(predict, self._first_latents(seed, count, image, start), moments), 1):
            pictures = [widen(pixels(estimate), shape) for estimate in estimates]
            if on_step:
                on_step(done, len(moments) - 1, np.stack(pictures))
        return pictures

    def _first_latents(self, seed: int, count: int, image: Picture | None, start: float) -> Array:
        """Return (count, 3, size, size) to sample from at time `start`: noise, mixed with `image` if there is one."""
        noise = np.stack([self._noise(seed + index) for index in range(count)])
        if image is None:
            return noise
        return np.float32(start) * self._fit(image) + np.float32(1 - start) * noise

    def _noise(self, seed: int) -> Array:
        """Return the noise of `seed`, (3, size, size)."""
        generator = np.random.Generator(np.random.PCG64(seed))
        return generator.standard_normal((3, self.size, self.size), np.float32)

    def _fit(self, image: Picture) -> Array:
        """Return the central square of `image` as (3, size, size) in -1..1."""
        from PIL import Image, ImageOps

        square = ImageOps.fit(Image.fromarray(image), (self.size, self.size), Image.Resampling.LANCZOS)
        return np.asarray(square, np.float32).transpose(2, 0, 1) / np.float32(127.5) - 1


def pixels(estimate: Array) -> Picture:
    """Convert (3, H, W) in -1..1 to uint8 (H, W, 3)."""
    return np.round((estimate + 1) * np.float32(127.5)).astype(np.uint8).transpose(1, 2, 0)
