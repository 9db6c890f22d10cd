"""A film as it is asked for: its scenes, and what holds for all of them."""

from dataclasses import dataclass
from typing import Literal

from engine.job import Media

Shape = Literal["square", "wide", "tall"]
Asked = Literal["auto", "still", "pan", "zoom", "parallax"]
Transition = Literal["cut", "crossfade", "wipe"]

RATE = 30
"""Frames a second."""
SIZES: dict[Shape, tuple[int, int]] = {"square": (960, 960), "wide": (1280, 720), "tall": (720, 1280)}
"""Width and height in pixels."""
VERSION = 1
"""Of what films look and sound like: raised when the same film would come out differently."""
MOST_SCENES = 60
SHORTEST, LONGEST = 1.0, 60.0
"""Seconds of a scene."""
MOST_SECONDS = 900.0
"""Of a film."""
USUAL = 4.0
"""Seconds of a scene in which nothing is said."""


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


@dataclass(frozen=True)
class Film:
    """`sound` is a recording under all of it, instead of narration; every scene's picture keeps to that of `character`.

    `voice` and `language` are as `engine.backends.voice.speak` takes them.
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

    def seed_of(self, number: int) -> int:
        """The seed of scene `number`, from 0: its own, or the next of the film's family."""
        own = self.scenes[number].seed
        return own if own is not None else (self.seed + number) % 2**31

    def prompt_of(self, number: int) -> str:
        prompt = self.scenes[number].prompt
        return f"{prompt}, {self.style}" if self.style else prompt

    def motion_of(self, number: int) -> Literal["still", "pan", "zoom", "parallax"]:
        """What was asked for, or one after the other."""
        asked = self.scenes[number].motion
        return asked if asked != "auto" else ("zoom", "pan", "parallax")[(self.seed + number) % 3]
