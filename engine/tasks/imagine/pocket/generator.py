"""The pocket generator: draws small with a preview after each step, then enlarges four times with Real-ESRGAN."""

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
"""Share of the progress bar for denoising; the rest is enlarging."""
EMOJI_LIKE = UserMessage(template="Drawn by pocket, the small built-in model, which makes emoji-like pictures.")

FOREIGN = "“{words}” was ignored. The model reads English and emoji."


def _shape(params: "Params") -> "Shape":
    """Return the requested shape, or the one nearest to the starting picture."""
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
        """Load from the weights `folder`. Raises MissingModel if the text encoder or upscaler is missing."""
        self._pocket = Pocket(folder)
        self._upscaler = Upscaler(folder)

    @property
    def size(self) -> int:
        """Return the bytes of both networks."""
        return self._pocket.bytes + self._upscaler.bytes

    def close(self) -> None:
        """Do nothing: ONNX Runtime and ncnn free their memory with the last reference."""

    def generate(self, params: "Params", report: "Report") -> GeneratedImages:
        """Return `params.count` pictures of four times the model's size.

        Raises BadInput for a prompt with nothing that the model can read.
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
            template = "The model reads only about 16 words. Ignored: “{words}”."
            notes += (UserMessage(template=template, facts={"words": " ".join(beyond)[:80]}),)
        return notes


def _read_prompt(prompt: str) -> str:
    """Return the prompt as the model reads it: emoji by name, no other scripts. Raises BadInput if nothing is left."""
    read = without_unreadable_words(readable_form(prompt))
    if not read:
        raise BadInput(
            "The model here can't read “{value}”. Write the prompt in English or emoji.",
            value=prompt[:40],
        )
    return read
