"""TOML: `[[scene]]` tables with `prompt`, `narration`, `seconds` and so on; what holds for all of them above."""

import datetime as dt
import re
import tomllib
from bisect import bisect_left
from typing import Any

from engine.core.errors import BadInput
from engine.tasks.film.scripts.raw import Raw, RawScene, RawScript

MAX_NESTING = 8
"""Brackets in one another, outside of texts."""
MAX_DOTS = 8
"""Dots in a line, outside of texts. tomllib takes a time that is quadratic in the parts of a dotted key."""
MAX_REASON = 200
"""Characters of what tomllib says of a fault."""
_AT = re.compile(r"(.*) \(at line (\d+), column \d+\)", re.DOTALL)
_TABLE = re.compile(r"\s*\[\[\s*scenes?\s*\]\]")
_PIECE = re.compile(
    r'"""(?:[^"\\]|\\.?|"(?!""))*+(?:"{3,5}|\Z)|\'\'\'(?:[^\']|\'(?!\'\'))*+(?:\'{3,5}|\Z)'
    r'|"(?:[^"\\\n]|\\.)*+"?|\'[^\'\n]*+\'?|\#[^\n]*+|[^"\'#.{}\[\]\n]++|.',
    re.DOTALL,
)
"""A text, a comment, or what stands outside them: a dot, a bracket, the end of a line, or anything up to the next."""


def parts(text: str) -> RawScript:
    """What the text says. Raises BadInput for what is no TOML, or has tables that no script has."""
    _check_depth(text)
    told = _parse(text)
    lines = _Lines(text)
    scenes = told.pop("scene", None) or told.pop("scenes", [])
    if not isinstance(scenes, list) or not all(isinstance(scene, dict) for scene in scenes):
        raise BadInput("Line {line}: scenes are written as [[scene]] tables.", line=lines.of("scene", 1))
    first = lines.tables[0] if lines.tables else lines.count + 1
    head = [_option(name, value, lines.of(name, 1, before=first)) for name, value in told.items()]
    begins = lines.tables + [1] * (len(scenes) - len(lines.tables))  # scenes = [{…}] in one line
    return RawScript(head, [_scene(scene, lines, begin) for scene, begin in zip(scenes, begins, strict=False)])


class _Lines:
    """Where keys and [[scene]] tables stand, found in one pass."""

    def __init__(self, text: str) -> None:
        self.tables: list[int] = []
        self._keys: dict[str, list[int]] = {}
        self.count = 0
        for self.count, line in enumerate(text.split("\n"), 1):
            if _TABLE.match(line):
                self.tables.append(self.count)
            name, equals, _ = line.partition("=")
            if equals:
                self._keys.setdefault(name.strip().strip("\"'"), []).append(self.count)

    def of(self, name: str, begin: int, before: int | None = None) -> int:
        """Return the first line from `begin` on, and before `before`, that gives `name`; `begin` where none does."""
        given = self._keys.get(name, [])
        place = bisect_left(given, begin)
        found = given[place] if place < len(given) else begin
        return found if before is None or found < before else begin


def _check_depth(text: str) -> None:
    """Raises BadInput for brackets that are nested too deeply and for keys of too many parts, which no script has."""
    line, depth, dots = 1, 0, 0
    for piece in (found[0] for found in _PIECE.finditer(text)):
        depth = max(depth + (piece in "[{") - (piece in "]}"), 0)
        dots = 0 if piece == "\n" else dots + (piece == ".")
        if depth > MAX_NESTING or dots > MAX_DOTS:
            raise BadInput(
                "Line {line}: a script has no tables or keys so deep in one another. Write [[scene]] tables.", line=line
            )
        line += piece.count("\n")


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.fullmatch(str(error))
        line = int(found[2]) if found else max(1, text.rstrip().count("\n") + 1)
        why = found[1] if found else str(error)
        raise BadInput("Line {line}: this is not TOML: {why}.", line=line, why=why[:MAX_REASON]) from None
    except ValueError:  # Python reads no decimal number of more than 4,300 digits
        raise BadInput("script has a number that is too long. Shorten it, or put quotes around it.") from None


def _scene(told: dict[str, Any], lines: _Lines, begin: int) -> RawScene:
    scene = RawScene(begin)
    options = [_option(name, value, lines.of(name, begin)) for name, value in told.items()]
    for option in options:
        if option.name == "prompt":
            scene.see(option.value)
        elif option.name == "narration":
            scene.hear(option.value)
        else:
            scene.options.append(option)
    return scene


def _option(name: str, value: object, line: int) -> Raw:
    if not isinstance(value, str | int | float | dt.date | dt.time):
        raise BadInput("Line {line}: {option} must be a text or a number.", line=line, option=name[:40])
    try:
        return Raw(name, " ".join(str(value).split()), line)
    except ValueError:  # a hexadecimal number of more than 4,300 decimal digits
        raise BadInput("Line {line}: {option} is too large a number.", line=line, option=name[:40]) from None
