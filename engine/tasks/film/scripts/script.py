"""A script as it is understood, and as it is written down for a person to change."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

Motion = Literal["auto", "still", "pan", "zoom", "parallax", "talk", "live"]
Transition = Literal["cut", "crossfade", "wipe"]
Shape = Literal["square", "wide", "tall"]
MOTIONS: tuple[str, ...] = get_args(Motion)
TRANSITIONS: tuple[str, ...] = get_args(Transition)
SHAPES: tuple[str, ...] = get_args(Shape)
MOST_SCENES = 60
SHORTEST, LONGEST = 1.0, 60.0
"""Seconds of a scene."""
MOST_SECONDS = 900.0
"""Of a film."""
USUAL = 4.0
"""Seconds of a scene in which nothing is said."""
PACE = 13.0
"""Letters that are spoken in a second."""
MOST_PROMPT, MOST_SAID = 1000, 1000
"""Letters."""


@dataclass(frozen=True)
class ScriptScene:
    """What is seen and said in one scene. A missing value is left to the film; `line` is where it begins, from 1."""

    prompt: str
    narration: str = ""
    seconds: float | None = None
    motion: str | None = None
    transition: str | None = None
    seed: int | None = None
    line: int = 1

    @property
    def length(self) -> float:
        """About how many seconds it takes."""
        said = 1.2 + len(self.narration) / PACE if self.narration else 0.0
        return max(self.seconds or (said or USUAL), said)


@dataclass(frozen=True)
class Script:
    """The scenes, and what holds for all of them where the script says it."""

    scenes: tuple[ScriptScene, ...]
    title: str = ""
    credits: str = ""
    style: str = ""
    shape: str = ""
    voice: str = ""
    language: str = ""
    transition: str = ""

    def text(self) -> str:
        """The script as `reader` reads it: a paragraph for what holds for all, and one for each scene."""
        head = [f"{name}: {value}" for name, value in self._head() if value]
        return "\n\n".join(["\n".join(part) for part in (head, *map(_paragraph, self.scenes)) if part]) + "\n"

    def with_seeds(self, seeds: dict[int, int]) -> "Script":
        """The script with other seeds for some scenes, which are counted from 0."""
        scenes = (replace(scene, seed=seeds.get(at, scene.seed)) for at, scene in enumerate(self.scenes))
        return replace(self, scenes=tuple(scenes))

    def _head(self) -> list[tuple[str, Any]]:
        return [(field.name, getattr(self, field.name)) for field in fields(self) if field.name != "scenes"]


HEAD = tuple(field.name for field in fields(Script) if field.name != "scenes")
"""What a script may say of all its scenes."""
OPTIONS = ("narration", "seconds", "motion", "transition", "seed")
"""What a script may say of a scene, beside what is seen."""


def _paragraph(scene: ScriptScene) -> list[str]:
    lines = [scene.prompt]
    if scene.narration:
        lines.append(f"> {scene.narration}")
    if scene.seconds is not None:
        lines.append(f"seconds: {scene.seconds:g}")
    told = ((name, getattr(scene, name)) for name in ("motion", "transition", "seed"))
    return lines + [f"{name}: {value}" for name, value in told if value is not None]
