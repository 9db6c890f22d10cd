"""A film as it is asked for: its scenes, and what holds for all of them."""

from dataclasses import dataclass
from typing import Any, Literal

from engine.core.job import Media
from engine.core.params import MAX_SEED
from engine.tasks.film.scripts.script import Motion as Asked
from engine.tasks.film.scripts.script import ScriptScene, Shape, Transition

Card = Literal["title", "credits"]

RATE = 30
"""Frames a second."""
SIZES: dict[Shape, tuple[int, int]] = {"square": (960, 960), "wide": (1280, 720), "tall": (720, 1280)}
"""Width and height in pixels."""
MIXED = 0.6
"""Seconds of a transition that is not a cut."""
VERSION = 3
"""Of what films look and sound like: raised when the same film would come out differently."""


@dataclass(frozen=True)
class Scene:
    """One picture, given or drawn from `prompt`, that moves, while `narration` is said.

    A missing `seconds` is as long as that takes; a missing `seed` follows from the film's.
    """

    prompt: str = ""
    narration: str = ""
    seconds: float | None = None
    motion: Asked = "auto"
    transition: Transition = "crossfade"
    seed: int | None = None
    image: Media | None = None

    @classmethod
    def of(cls, scene: ScriptScene, transition: str) -> "Scene":
        """A scene as a script says it; `transition` is the script's own where the scene says none."""
        how: Any = {"motion": scene.motion or "auto", "transition": scene.transition or transition or "crossfade"}
        return cls(scene.prompt, scene.narration, scene.seconds, seed=scene.seed, **how)


@dataclass(frozen=True)
class Film:
    """`sound` is a recording under all of it, instead of narration; every scene's picture keeps to that of `character`.

    With `portraits` a face talks where somebody speaks and no motion is asked for. In a `lively` one a model moves what
    no motion is asked for, and what is live and has no picture is made from its words alone.
    `voice` and `language` are as `engine.tasks.speech.speak` takes them.
    """

    scenes: tuple[Scene, ...]
    shape: Shape = "wide"
    style: str = ""
    seed: int = 0
    title: str = ""
    credits: str = ""
    voice: str = ""
    language: str | None = None
    subtitles: bool = False
    music: Media | None = None
    sound: Media | None = None
    character: Media | None = None
    portraits: bool = False
    lively: bool = False

    def seed_of(self, number: int) -> int:
        """The seed of scene `number`, from 0: its own, or the next of the film's family."""
        own = self.scenes[number].seed
        return own if own is not None else (self.seed + number) % (MAX_SEED + 1)

    def prompt_of(self, number: int) -> str:
        prompt = self.scenes[number].prompt
        return f"{prompt}, {self.style}" if self.style else prompt

    def motion_of(self, number: int) -> Literal["still", "pan", "zoom", "parallax"]:
        """How the camera moves: as was asked for, or in one way after the other."""
        asked = self.scenes[number].motion
        if asked == "auto":
            return ("zoom", "pan", "parallax")[(self.seed + number) % 3]
        return "still" if asked == "talk" or asked == "live" else asked  # noqa: PLR1714  # as mypy reads it
