"""Pocket as a painter: draw small with a preview each step, then four times larger by the embedded Real-ESRGAN."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import BadInput, UserMessage
from engine.media.rgb import load_rgb
from engine.tasks.imagine.contract import GeneratedImages, unread_words
from engine.tasks.imagine.pocket.pocket import Pocket
from engine.tasks.imagine.pocket.shape import Shape
from engine.tasks.upscale.realesrgan.embedded import Upscaler
from engine.text.readable import readable_form, without_unreadable_words

if TYPE_CHECKING:
    from engine.tasks.imagine.contract import Picture, Report
    from engine.tasks.imagine.params import Params

DENOISING_SHARE = 0.9
"""Share of the work that is denoising; the rest is enlarging."""
EMOJI_LIKE = UserMessage(template="Drawn by the embedded pocket model: emoji-like; see README for SDXL.")

FOREIGN = "Not read: “{words}”. The model reads English in Latin letters, and emoji."


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


class PocketGenerator:
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

    def generate(self, params: "Params", report: "Report") -> GeneratedImages:
        """Return pictures of four times the model's size, `params.count` of them.

        Raises BadInput for a prompt in which nothing can be read.
        """
        prompt = _read_prompt(params.prompt)

        def on_step(done: int, total: int, estimates: "Picture") -> None:
            report("drawing", DENOISING_SHARE * done / total, np.concatenate(list(estimates), axis=1))

        drawn = self._pocket.draw(
            prompt,
            negative=without_unreadable_words(readable_form(params.negative)),
            seed=params.seed or 0,
            steps=params.steps,
            guidance=params.guidance,
            count=params.count,
            shape=_shape(params),
            image=load_rgb(params.image.path) if params.image else None,
            strength=params.strength,
            on_step=on_step,
        )
        return GeneratedImages([self._upscaler.enlarge(picture) for picture in drawn], self._notes(params, prompt))

    def _notes(self, params: "Params", prompt: str) -> tuple[UserMessage, ...]:
        notes: tuple[UserMessage, ...] = (EMOJI_LIKE,)
        if foreign := unread_words(params):
            notes += (UserMessage(template=FOREIGN, facts={"words": foreign}),)
        if beyond := self._pocket.unread(prompt):
            template = "It reads about 16 words; not read: “{words}”."
            notes += (UserMessage(template=template, facts={"words": " ".join(beyond)[:80]}),)
        return notes


def _read_prompt(prompt: str) -> str:
    """Return what the model reads of `prompt`: emoji by name, and no words in other scripts. Raises BadInput."""
    read = without_unreadable_words(readable_form(prompt))
    if not read:
        raise BadInput(
            "prompt is “{value}”, of which the model here can read nothing. Write it in English, or in emoji.",
            value=prompt[:40],
        )
    return read
