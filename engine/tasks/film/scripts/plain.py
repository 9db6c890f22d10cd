"""Plain text and Markdown: a paragraph a scene, `>` before what is said, `name: value` for the rest.

What stands under a heading is one scene, up to the next heading. A paragraph of `>` and `name: value` alone belongs to
the scene before it. In one line, as chats have it, ` | ` stands between scenes.
"""

import difflib
import re
from enum import Enum
from functools import lru_cache

from engine.core.errors import BadInput
from engine.tasks.film.scripts.raw import Raw, RawScene, RawScript
from engine.tasks.film.scripts.script import HEAD, OPTIONS

_OPTION = re.compile(r"(?:[-*]\s+)?\**([A-Za-z]+)\**\s*:(.*)", re.DOTALL)
_HEADING = re.compile(r"(#{1,6})\s(.*)", re.DOTALL)
_NUMBERED = re.compile(r"(?:scene|escena)\s+\d+\s*+[:.]?(.*)", re.IGNORECASE | re.DOTALL)
_RULE = re.compile(r"(?:-{3,}|\*{3,}|_{3,})")
_IN_LINE = re.compile(r"(?<!\s)\s+>\s")
MAX_NEAR = 20
"""Letters of a word that may be meant as the name of an option."""
ALIASES = {"titulo": "title", "título": "title", "narración": "narration", "say": "narration", "said": "narration"}


def parts(text: str) -> RawScript:
    """What the text says. Raises BadInput for an option that is almost one of those known."""
    found, scene = RawScript(), _Scene.OVER
    for number, line in _lines(text):
        stripped = line.strip()
        if not stripped:
            scene = _Scene.PAUSED if scene is _Scene.OPEN else scene
        elif _RULE.fullmatch(stripped):
            scene = _Scene.OVER
        elif (heading := _heading(stripped)) is not None:
            scene = _Scene.HEADED if _add_heading(found, heading, number) else _Scene.OVER
        else:
            scene = _read(found, stripped, number, scene)
    return found


class _Scene(Enum):
    """What became of the last scene: it is `PAUSED` by an empty line, a `HEADED` one is not."""

    OPEN, HEADED, PAUSED, OVER = range(4)


def _read(found: RawScript, line: str, number: int, scene: _Scene) -> _Scene:
    option = _option(line, number)
    if option and option.name in HEAD and not found.scenes:
        found.head.append(option)
        return scene
    more = scene is _Scene.PAUSED and (option is not None or line.startswith(">"))
    if scene in {_Scene.PAUSED, _Scene.OVER} and not more:
        found.scenes.append(RawScene(number))
        scene = _Scene.OPEN
    _add_line(found.scenes[-1], line, option)
    return scene


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines with their numbers; a text of one line is cut at ` | ` and before ` > `."""
    if "\n" in text.strip():
        return list(enumerate(text.split("\n"), 1))
    cut: list[tuple[int, str]] = []
    for scene in (part.strip() for part in text.split("|")):
        seen, *said = _IN_LINE.split(f" {scene} " if scene.startswith(">") else scene)
        cut += [(1, seen), *((1, f"> {words}") for words in said), (1, "---")]
    return cut


def _heading(line: str) -> tuple[int, str] | None:
    """The level of a heading and its words."""
    if heading := _HEADING.fullmatch(line):
        return len(heading[1]), heading[2].strip(" #*")
    if (scene := _NUMBERED.fullmatch(line)) is not None:
        return 2, scene[1].strip()
    return None


def _add_heading(found: RawScript, heading: tuple[int, str], number: int) -> bool:
    """A first heading of the first level is the title; every other begins a scene."""
    level, words = heading
    if level == 1 and not found.scenes:
        found.head.append(Raw("title", words, number))
        return False
    found.scenes.append(RawScene(number))
    inner = _NUMBERED.fullmatch(words)
    words = inner[1].strip() if inner else words
    if words:
        found.scenes[-1].see(words)
    return True


def _add_line(scene: RawScene, line: str, option: Raw | None) -> None:
    if line.startswith(">"):
        scene.hear(line[1:])
    elif option is None:
        scene.see(line)
    elif option.name == "narration":
        scene.hear(option.value)
    else:
        scene.options.append(option)


def _option(line: str, number: int) -> Raw | None:
    """`name: value`; None for a sentence that has a colon after its first word."""
    match = _OPTION.fullmatch(line)
    if match is None or line.startswith(">"):
        return None
    name = ALIASES.get(match[1].lower(), match[1].lower())
    if name in OPTIONS or name in HEAD:
        return Raw(name, match[2].strip().strip(" *"), number)
    near = _near(name) if len(name) <= MAX_NEAR else None
    if near:
        raise BadInput(
            "Line {line}: there is no option {option}. Did you mean {near}?", line=number, option=name, near=near
        )
    return None


@lru_cache(maxsize=1024)
def _near(name: str) -> str | None:
    """Return the option whose name is almost `name`."""
    return next(iter(difflib.get_close_matches(name, (*OPTIONS, *HEAD), 1, cutoff=0.8)), None)
