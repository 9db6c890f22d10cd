"""TOML: `[[scene]]` tables with `prompt`, `narration`, `seconds` and so on; what holds for all of them above."""

import re
import tomllib
from typing import Any

from engine.errors import BadInput
from engine.scripts.raw import Raw, RawScene, RawScript

_AT = re.compile(r"(.*) \(at line (\d+), column \d+\)")
_TABLE = re.compile(r"\s*\[\[\s*scenes?\s*\]\]")


def parts(text: str) -> RawScript:
    """What the text says. Raises BadInput for what is no TOML, or has tables that no script has."""
    told = _parsed(text)
    lines = text.split("\n")
    begins = [number for number, line in enumerate(lines, 1) if _TABLE.match(line)]
    scenes = told.pop("scene", None) or told.pop("scenes", [])
    if not isinstance(scenes, list) or not all(isinstance(scene, dict) for scene in scenes):
        raise BadInput("Line {line}: scenes are written as [[scene]] tables.", line=_line(lines, 1, "scene"))
    first = begins[0] if begins else len(lines) + 1
    head = [Raw(name, _words(value), _line(lines[: first - 1], 1, name)) for name, value in told.items()]
    begins += [1] * (len(scenes) - len(begins))  # scenes = [{…}] in one line
    return RawScript(head, [_scene(scene, lines, begin) for scene, begin in zip(scenes, begins, strict=False)])


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.fullmatch(str(error))
        line = int(found[2]) if found else max(1, text.rstrip().count("\n") + 1)
        raise BadInput(
            "Line {line}: this is not TOML: {why}.", line=line, why=found[1] if found else str(error)
        ) from None


def _scene(told: dict[str, Any], lines: list[str], begin: int) -> RawScene:
    scene = RawScene(begin, _words(told.get("prompt", "")), _words(told.get("narration", "")))
    scene.options += [
        Raw(name, _words(value), _line(lines, begin, name))
        for name, value in told.items()
        if name not in {"prompt", "narration"}
    ]
    return scene


def _words(value: object) -> str:
    return " ".join(str(value).split())


def _line(lines: list[str], begin: int, name: str) -> int:
    """Where `name` is given, from line `begin` on."""
    given = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*=""")
    return next((number for number in range(begin, len(lines) + 1) if given.match(lines[number - 1])), begin)
