"""Results as each command gives them, and the buttons that are shown under them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.commands import COMMANDS
from bot.presentation.buttons import buttons_for
from engine.core.job import Media, Result


@dataclass(frozen=True)
class Example:
    """A kind of result: its name in a sentence, the types of its files, and the names of facts that buttons need."""

    name: str
    files: tuple[str, ...]
    facts: tuple[str, ...] = ()


EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    "imagine": (
        Example("a picture by pocket", ("image/png",), ("prompt", "seed")),
        Example("a picture by SDXL", ("image/png",), ("prompt", "seed", "extends")),
    ),
    "magic": (Example("a prompt", (), ("prompt", "idea", "seed")),),
    "upscale": (Example("a picture", ("image/png",)), Example("a video", ("video/mp4",))),
    "animate": (Example("a video", ("video/mp4",), ("voice", "seed")),),
    "subtitle": (Example("a video", ("video/mp4", "application/x-subrip")),),
    "faceswap": (Example("a picture", ("image/png",)), Example("a video", ("video/mp4",))),
    "video": (Example("a video", ("video/mp4",), ("prompt", "seed")),),
    "scenes": (
        Example("a draft", (), ("script", "draft", "seed")),
        Example("a storyboard", ("image/png",), ("script", "storyboard", "seed")),
        Example("a film", ("video/mp4", "application/x-subrip", "text/plain"), ("script", "film", "seed")),
    ),
}
"""By command, the results that it can give."""


def buttons_of(command: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the labels of the buttons under each kind of result that `command` gives."""
    return tuple((example.name, _labels(example)) for example in EXAMPLES.get(command, ()))


def _labels(example: Example) -> tuple[str, ...]:
    media = tuple(
        Media(path=Path("file"), mime=mime, sha256=f"{number:064x}", bytes=1)
        for number, mime in enumerate(example.files)
    )
    result = Result(media=media, facts=dict.fromkeys(example.facts, ""))
    return tuple(dict.fromkeys(button.label for button in buttons_for("job", result, COMMANDS, "en")))
