"""A parsed script, and how it is written back as text for the user to edit."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

Motion = Literal["auto", "still", "pan", "zoom", "parallax", "talk", "live"]
Transition = Literal["cut", "crossfade", "wipe"]
Shape = Literal["square", "wide", "tall"]
MOTIONS: tuple[str, ...] = get_args(Motion)
TRANSITIONS: tuple[str, ...] = get_args(Transition)
SHAPES: tuple[str, ...] = get_args(Shape)
MAX_SCENES = 60
"""Maximum number of scenes."""
MIN_SCENE_SECONDS, MAX_SCENE_SECONDS = 1.0, 60.0
"""Minimum and maximum length of a scene."""
MAX_FILM_SECONDS = 900.0
"""Maximum length of a film."""
SILENT_SCENE_SECONDS = 4.0
"""Length of a scene without narration."""
CHARACTERS_PER_SECOND = 13.0
"""Speed of speech, used to estimate lengths."""
MAX_PROMPT_CHARACTERS, MAX_NARRATION_CHARACTERS = 1000, 1000
"""Maximum length of the prompt and the narration of a scene."""


@dataclass(frozen=True)
class ScriptScene:
    """One scene of a script. None means that the film decides. `line` is where it starts, counted from 1."""

    prompt: str
    narration: str = ""
    seconds: float | None = None
    motion: str | None = None
    transition: str | None = None
    seed: int | None = None
    line: int = 1

    @property
    def length(self) -> float:
        """Estimated length in seconds."""
        spoken_seconds = 1.2 + len(self.narration) / CHARACTERS_PER_SECOND if self.narration else 0.0
        return max(self.seconds or (spoken_seconds or SILENT_SCENE_SECONDS), spoken_seconds)


@dataclass(frozen=True)
class Script:
    """The scenes, and the options that apply to all of them, or "" where the script does not set them."""

    scenes: tuple[ScriptScene, ...]
    title: str = ""
    credits: str = ""
    style: str = ""
    shape: str = ""
    voice: str = ""
    language: str = ""
    transition: str = ""

    def text(self) -> str:
        """Return the script as plain text, which `reader` can read: a paragraph of options, and one for each scene."""
        head = [f"{name}: {value}" for name, value in self._head() if value]
        return "\n\n".join(["\n".join(part) for part in (head, *map(_paragraph, self.scenes)) if part]) + "\n"

    def with_seeds(self, seeds: dict[int, int]) -> "Script":
        """Return the script with new seeds for some scenes, by scene number counted from 0."""
        scenes = (replace(scene, seed=seeds.get(at, scene.seed)) for at, scene in enumerate(self.scenes))
        return replace(self, scenes=tuple(scenes))

    def _head(self) -> list[tuple[str, Any]]:
        return [(field.name, getattr(self, field.name)) for field in fields(self) if field.name != "scenes"]


HEAD_OPTIONS = tuple(field.name for field in fields(Script) if field.name != "scenes")
"""Options that apply to all scenes."""
SCENE_OPTIONS = ("narration", "seconds", "motion", "transition", "seed")
"""Options of a scene besides its prompt."""


def _paragraph(scene: ScriptScene) -> list[str]:
    lines = [scene.prompt]
    if scene.narration:
        lines.append(f"> {scene.narration}")
    if scene.seconds is not None:
        lines.append(f"seconds: {scene.seconds:g}")
    options = ((name, getattr(scene, name)) for name in ("motion", "transition", "seed"))
    return lines + [f"{name}: {value}" for name, value in options if value is not None]
