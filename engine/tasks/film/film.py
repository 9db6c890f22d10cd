"""The description of a film: its scenes, and the options that apply to all of them."""

from dataclasses import dataclass
from typing import Any, Literal

from engine.core.job import Media
from engine.core.params import MAX_SEED
from engine.tasks.film.scripts.script import Motion as Asked
from engine.tasks.film.scripts.script import ScriptScene, Shape, Transition

Card = Literal["title", "credits"]
"""A title or credits shown over a blurred picture."""

FRAME_RATE = 30
"""Frames per second."""
SIZES: dict[Shape, tuple[int, int]] = {"square": (960, 960), "wide": (1280, 720), "tall": (720, 1280)}
"""Width and height in pixels of each shape."""
TRANSITION_SECONDS = 0.6
"""Length of a crossfade or wipe."""
VERSION = 3
"""Version of how films look and sound. Raise it when the same film would come out differently."""


@dataclass(frozen=True)
class Scene:
    """One picture, given or generated from `prompt`, shown while `narration` is spoken.

    `seconds` None means as long as the narration takes. `seed` None means a seed derived from that of the film.
    """

    prompt: str = ""
    narration: str = ""
    seconds: float | None = None
    motion: Asked = "auto"
    transition: Transition = "crossfade"
    seed: int | None = None
    image: Media | None = None

    @classmethod
    def from_script(cls, scene: ScriptScene, transition: str) -> "Scene":
        """Return the scene for a scene of a script. `transition` is the script's default and may be ""."""
        options: Any = {"motion": scene.motion or "auto", "transition": scene.transition or transition or "crossfade"}
        return cls(scene.prompt, scene.narration, scene.seconds, seed=scene.seed, **options)


@dataclass(frozen=True)
class Film:
    """A film to render.

    `sound` is a recording that plays under the whole film and replaces narration. With a `character`, every picture is
    generated from that picture. With `animate_faces`, a face talks when someone speaks and the scene names no motion.
    With `use_video_model`, a video model animates scenes that name no motion, and makes live scenes without a picture
    from their prompt alone. `voice` and `language` are passed to `Speaker.speak`.
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
    animate_faces: bool = False
    use_video_model: bool = False

    def seed_of(self, number: int) -> int:
        """Return the seed of scene `number`, counted from 0: its own, or the film's seed plus the number."""
        own = self.scenes[number].seed
        return own if own is not None else (self.seed + number) % (MAX_SEED + 1)

    def prompt_of(self, number: int) -> str:
        """Return the prompt of scene `number` with the style of the film appended."""
        prompt = self.scenes[number].prompt
        return f"{prompt}, {self.style}" if self.style else prompt

    def motion_of(self, number: int) -> Literal["still", "pan", "zoom", "parallax"]:
        """Return how the camera moves in scene `number`. For "auto", scenes alternate between the motions."""
        asked = self.scenes[number].motion
        if asked == "auto":
            return ("zoom", "pan", "parallax")[(self.seed + number) % 3]
        return "still" if asked == "talk" or asked == "live" else asked  # noqa: PLR1714  # as mypy reads it
