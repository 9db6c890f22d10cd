"""Read TOML: `[[scene]]` tables with `prompt`, `narration`, `seconds` and so on, and options for all scenes
above them.
"""

import datetime as dt
import re
import tomllib
from bisect import bisect_left
from typing import Any

from engine.core.errors import BadInput
from engine.tasks.film.scripts.raw import Raw, RawScene, RawScript

MAX_NESTING = 8
"""Maximum nesting of brackets outside strings."""
MAX_DOTS = 8
"""Maximum number of dots in a line outside strings. tomllib takes quadratic time in the parts of a dotted key."""
MAX_REASON = 200
"""Maximum length of the error text from tomllib, in characters."""
_AT = re.compile(r"(.*) \(at line (\d+), column \d+\)", re.DOTALL)
_TABLE = re.compile(r"\s*\[\[\s*scenes?\s*\]\]")
_PIECE = re.compile(
    r'"""(?:[^"\\]|\\.?|"(?!""))*+(?:"{3,5}|\Z)|\'\'\'(?:[^\']|\'(?!\'\'))*+(?:\'{3,5}|\Z)'
    r'|"(?:[^"\\\n]|\\.)*+"?|\'[^\'\n]*+\'?|\#[^\n]*+|[^"\'#.{}\[\]\n]++|.',
    re.DOTALL,
)
"""A string, a comment, or something outside them: a dot, a bracket, a line break, or the text up to the
next of these.
"""


def parse(text: str) -> RawScript:
    """Return the script in `text`. Raises BadInput for invalid TOML and for tables that are not scenes."""
    _check_depth(text)
    tables = _load_toml(text)
    lines = _Lines(text)
    scenes = tables.pop("scene", None) or tables.pop("scenes", [])
    if not isinstance(scenes, list) or not all(isinstance(scene, dict) for scene in scenes):
        raise BadInput("Line {line}: write scenes as [[scene]] tables.", line=lines.find("scene", 1))
    first = lines.tables[0] if lines.tables else lines.count + 1
    head = [_parse_option(name, value, lines.find(name, 1, before=first)) for name, value in tables.items()]
    begins = lines.tables + [1] * (len(scenes) - len(lines.tables))  # scenes = [{…}] in one line
    return RawScript(head, [_parse_scene(scene, lines, begin) for scene, begin in zip(scenes, begins, strict=False)])


class _Lines:
    """The line numbers of keys and [[scene]] tables, found in one pass."""

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

    def find(self, name: str, begin: int, before: int | None = None) -> int:
        """Return the first line from `begin` on, and before `before`, that sets `name`, or `begin` if there is none."""
        numbers = self._keys.get(name, [])
        place = bisect_left(numbers, begin)
        found = numbers[place] if place < len(numbers) else begin
        return found if before is None or found < before else begin


def _check_depth(text: str) -> None:
    """Raise BadInput for deeply nested brackets and for keys with too many parts, which no script needs."""
    line, depth, dots = 1, 0, 0
    for piece in (found[0] for found in _PIECE.finditer(text)):
        depth = max(depth + (piece in "[{") - (piece in "]}"), 0)
        dots = 0 if piece == "\n" else dots + (piece == ".")
        if depth > MAX_NESTING or dots > MAX_DOTS:
            raise BadInput(
                "Line {line}: tables or keys are nested too deeply. Write scenes as [[scene]] tables.", line=line
            )
        line += piece.count("\n")


def _load_toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.fullmatch(str(error))
        line = int(found[2]) if found else max(1, text.rstrip().count("\n") + 1)
        why = found[1] if found else str(error)
        raise BadInput("Line {line}: this isn't valid TOML: {why}.", line=line, why=why[:MAX_REASON]) from None
    except ValueError:  # Python reads no decimal number of more than 4,300 digits
        raise BadInput("A number in the script is too long. Shorten it, or put it in quotes.") from None


def _parse_scene(tables: dict[str, Any], lines: _Lines, begin: int) -> RawScene:
    scene = RawScene(begin)
    options = [_parse_option(name, value, lines.find(name, begin)) for name, value in tables.items()]
    for option in options:
        if option.name == "prompt":
            scene.add_prompt(option.value)
        elif option.name == "narration":
            scene.add_narration(option.value)
        else:
            scene.options.append(option)
    return scene


def _parse_option(name: str, value: object, line: int) -> Raw:
    if not isinstance(value, str | int | float | dt.date | dt.time):
        raise BadInput("Line {line}: {option} must be text or a number.", line=line, option=name[:40])
    try:
        return Raw(name, " ".join(str(value).split()), line)
    except ValueError:  # a hexadecimal number of more than 4,300 decimal digits
        raise BadInput(
            "Line {line}: the number for {option} is too large. Use a smaller one.", line=line, option=name[:40]
        ) from None
