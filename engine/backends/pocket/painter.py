"""Pocket as a painter: draw small with a preview each step, then four times larger by the embedded Real-ESRGAN."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.backends.painters import Painting
from engine.backends.pocket.pocket import Pocket
from engine.backends.pocket.shape import Shape
from engine.backends.realesrgan.embedded import Upscaler
from engine.errors import Sentence
from engine.pictures import pixels

if TYPE_CHECKING:
    from engine.backends.painters import Picture, Report
    from engine.tasks.imagine import Params

DRAWN = 0.9
"""Share of the work that is denoising; the rest is enlarging."""
EMOJI_LIKE = Sentence(template="Drawn by the embedded pocket model: emoji-like; see README for SDXL.")


def _shape(params: "Params") -> "Shape":
    """What was asked for, or the nearest to the picture to start from."""
    image = params.image
    match params.shape:
        case "square" | "wide" | "tall" as named:
            return named
    if image is None or not (image.width and image.height):
        return "square"
    ratio = image.width / image.height
    return "wide" if ratio > 4 / 3 else "tall" if ratio < 3 / 4 else "square"


class PocketPainter:
    """The embedded tier of `imagine`."""

    def __init__(self, folder: Path) -> None:
        """Raises MissingModel where the text encoder's or the upscaler's weights are not in the weights `folder`."""
        self._pocket = Pocket(folder)
        self._upscaler = Upscaler(folder)

    @property
    def size(self) -> int:
        return self._pocket.bytes + self._upscaler.bytes

    def close(self) -> None:
        """ONNX Runtime and ncnn give their memory back when nothing refers to them."""

    def paint(self, params: "Params", report: "Report") -> Painting:
        """Pictures of four times the model's size, `params.count` of them."""

        def on_step(done: int, total: int, estimates: "Picture") -> None:
            report("drawing", DRAWN * done / total, np.concatenate(list(estimates), axis=1))

        drawn = self._pocket.draw(
            params.prompt,
            negative=params.negative,
            seed=params.seed or 0,
            steps=params.steps,
            guidance=params.guidance,
            count=params.count,
            shape=_shape(params),
            image=pixels(params.image.path) if params.image else None,
            strength=params.strength,
            on_step=on_step,
        )
        return Painting([self._upscaler.enlarge(picture) for picture in drawn], self._notes(params.prompt))

    def _notes(self, prompt: str) -> tuple[Sentence, ...]:
        unread = self._pocket.unread(prompt)
        if not unread:
            return (EMOJI_LIKE,)
        words = " ".join(unread)
        cut = Sentence(template="It reads about 16 words; not read: “{words}”.", facts={"words": words[:80]})
        return (EMOJI_LIKE, cut)
