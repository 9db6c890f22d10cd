"""Read plain text and Markdown: one paragraph per scene, `>` before narration, `name: value` for options.

Everything under a heading is one scene, up to the next heading. A paragraph that contains only narration and options
belongs to the scene before it. In a single line, as in chats, ` | ` separates scenes.
"""

import difflib
import re
from enum import Enum
from functools import lru_cache

from engine.core.errors import BadInput
from engine.tasks.film.scripts.raw import Raw, RawScene, RawScript
from engine.tasks.film.scripts.script import HEAD_OPTIONS, SCENE_OPTIONS

_OPTION = re.compile(r"(?:[-*]\s+)?\**([A-Za-z]+)\**\s*:(.*)", re.DOTALL)
_HEADING = re.compile(r"(#{1,6})\s(.*)", re.DOTALL)
_NUMBERED = re.compile(r"(?:scene|escena)\s+\d+\s*+[:.]?(.*)", re.IGNORECASE | re.DOTALL)
_RULE = re.compile(r"(?:-{3,}|\*{3,}|_{3,})")
_IN_LINE = re.compile(r"(?<!\s)\s+>\s")
MAX_SUGGESTION_CHARACTERS = 20
"""A longer word is never taken for a misspelt option."""
ALIASES = {"titulo": "title", "título": "title", "narración": "narration", "say": "narration", "said": "narration"}
"""Other names for options, including Spanish ones."""


def parse(text: str) -> RawScript:
    """Return the script in `text`. Raises BadInput for a misspelt option."""
    script, scene = RawScript(), _Scene.OVER
    for number, line in _number_lines(text):
        stripped = line.strip()
        if not stripped:
            scene = _Scene.PAUSED if scene is _Scene.OPEN else scene
        elif _RULE.fullmatch(stripped):
            scene = _Scene.OVER
        elif (heading := _parse_heading(stripped)) is not None:
            scene = _Scene.HEADED if _add_heading(script, heading, number) else _Scene.OVER
        else:
            scene = _read_line(script, stripped, number, scene)
    return script


class _Scene(Enum):
    """The state of the last scene. An empty line pauses an OPEN scene but not a HEADED one."""

    OPEN, HEADED, PAUSED, OVER = range(4)


def _read_line(script: RawScript, line: str, number: int, scene: _Scene) -> _Scene:
    option = _parse_option(line, number)
    if option and option.name in HEAD_OPTIONS and not script.scenes:
        script.head.append(option)
        return scene
    more = scene is _Scene.PAUSED and (option is not None or line.startswith(">"))
    if scene in {_Scene.PAUSED, _Scene.OVER} and not more:
        script.scenes.append(RawScene(number))
        scene = _Scene.OPEN
    _add_line(script.scenes[-1], line, option)
    return scene


def _number_lines(text: str) -> list[tuple[int, str]]:
    """Return the lines with their numbers. A single line is split at ` | ` and before ` > `."""
    if "\n" in text.strip():
        return list(enumerate(text.split("\n"), 1))
    cut: list[tuple[int, str]] = []
    for scene in (part.strip() for part in text.split("|")):
        prompt, *narration = _IN_LINE.split(f" {scene} " if scene.startswith(">") else scene)
        cut += [(1, prompt), *((1, f"> {words}") for words in narration), (1, "---")]
    return cut


def _parse_heading(line: str) -> tuple[int, str] | None:
    """Return the level and the text of a heading, or None."""
    if heading := _HEADING.fullmatch(line):
        return len(heading[1]), heading[2].strip(" #*")
    if (scene := _NUMBERED.fullmatch(line)) is not None:
        return 2, scene[1].strip()
    return None


def _add_heading(script: RawScript, heading: tuple[int, str], number: int) -> bool:
    """Add a heading and return whether it starts a scene. The first heading of level 1 is the title."""
    level, words = heading
    if level == 1 and not script.scenes:
        script.head.append(Raw("title", words, number))
        return False
    script.scenes.append(RawScene(number))
    inner = _NUMBERED.fullmatch(words)
    words = inner[1].strip() if inner else words
    if words:
        script.scenes[-1].add_prompt(words)
    return True


def _add_line(scene: RawScene, line: str, option: Raw | None) -> None:
    if line.startswith(">"):
        scene.add_narration(line[1:])
    elif option is None:
        scene.add_prompt(line)
    elif option.name == "narration":
        scene.add_narration(option.value)
    else:
        scene.options.append(option)


def _parse_option(line: str, number: int) -> Raw | None:
    """Return the option in `name: value`, or None for a sentence with a colon. Raises BadInput for a
    misspelt option.
    """
    match = _OPTION.fullmatch(line)
    if match is None or line.startswith(">"):
        return None
    name = ALIASES.get(match[1].lower(), match[1].lower())
    if name in SCENE_OPTIONS or name in HEAD_OPTIONS:
        return Raw(name, match[2].strip().strip(" *"), number)
    near = _suggest_option(name) if len(name) <= MAX_SUGGESTION_CHARACTERS else None
    if near:
        raise BadInput(
            "Line {line}: there is no option “{option}”. Did you mean {near}?", line=number, option=name, near=near
        )
    return None


@lru_cache(maxsize=1024)
def _suggest_option(name: str) -> str | None:
    """Return the option with a similar name, or None."""
    return next(iter(difflib.get_close_matches(name, (*SCENE_OPTIONS, *HEAD_OPTIONS), 1, cutoff=0.8)), None)
