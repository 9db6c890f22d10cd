"""Fountain, the plain text of screenplays (fountain.io): a scene heading and action are what is seen, dialogue is said.

A note such as `[[seconds: 5]]` gives an option; `CUT TO:`, `DISSOLVE TO:` and `WIPE TO:` say how the next scene begins.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.core.errors import BadInput
from engine.tasks.film.scripts.raw import Raw, RawScene, RawScript
from engine.tasks.film.scripts.script import HEAD

_HEADING = re.compile(r"(?:\.(?!\.)|(?=(?:INT|EXT|EST|INT\./EXT|INT/EXT|I/E)[. ]))(.+)", re.IGNORECASE)
_PLACE = re.compile(r"^(?:INT\./EXT|INT/EXT|I/E|INT|EXT|EST)[. ]+", re.IGNORECASE)
_KEY = re.compile(r"([A-Za-z ]+):(.*)")
TRANSITIONS = {"CUT": "cut", "DISSOLVE": "crossfade", "FADE": "crossfade", "WIPE": "wipe"}
PAGE = {"title": "title", "credit": "", "author": "credits", "authors": "credits", "style": "style"}
"""Keys of the title page that a film shows."""


@dataclass
class _Reading:
    found: RawScript = field(default_factory=RawScript)
    speaking: bool = False
    transition: str = ""

    def begin(self, line: int) -> RawScene:
        scene = RawScene(line)
        if self.transition:
            scene.options.append(Raw("transition", self.transition, line))
            self.transition = ""
        self.found.scenes.append(scene)
        return scene


def parts(text: str) -> RawScript:
    """What the text says. Raises BadInput for dialogue before any scene, and for a note that is no option."""
    lines = "".join(_without_boneyard(text)).split("\n")
    reading = _Reading()
    begins = _title_page(lines, reading.found)
    for number, line in enumerate(lines[begins:], begins + 1):
        before = lines[number - 2].strip() if number > 1 else ""
        after = lines[number].strip() if number < len(lines) else ""
        _read(line.strip(), number, reading, alone=not before, followed=bool(after))
    return reading.found


def _without_boneyard(text: str) -> Iterator[str]:
    """Yield the text without what stands between /* and */, of which only the ends of lines stay."""
    at = 0
    while (begin := text.find("/*", at)) >= 0 and (end := text.find("*/", begin + 2)) >= 0:
        yield text[at:begin]
        yield "\n" * text.count("\n", begin, end)
        at = end + 2
    yield text[at:]


def _title_page(lines: list[str], found: RawScript) -> int:
    """Reads the title page, if there is one, and returns how many lines it takes."""
    if not lines or not _KEY.fullmatch(lines[0].strip()) or _transition(lines[0].strip()):
        return 0
    name = ""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            return number
        key = None if line.startswith((" ", "\t")) else _KEY.fullmatch(line.strip())
        name, value = (key[1].strip().lower(), key[2].strip()) if key else (name, line.strip())
        shown = PAGE.get(name, name if name in HEAD else "")
        if shown and value:
            _add(found.head, shown, value.strip("_* "), number)
    return len(lines)


def _add(head: list[Raw], name: str, value: str, line: int) -> None:
    same = next((raw for raw in head if raw.name == name), None)
    if same:
        head[head.index(same)] = Raw(name, f"{same.value}, {value}", same.line)
    else:
        head.append(Raw(name, value, line))


def _read(line: str, number: int, reading: _Reading, *, alone: bool, followed: bool) -> None:
    line = _take_notes(line, number, reading)
    if not line:
        reading.speaking = False
    elif line.startswith(("#", "=")):
        return
    elif alone and (heading := _HEADING.fullmatch(line)):
        place = _PLACE.sub("", _without_number(heading[1]))
        reading.begin(number).see(place.lower() if place.isupper() else place)
    elif alone and (transition := _transition(line)):
        reading.transition = transition
    elif alone and followed and _is_character(line):
        reading.speaking = True
    elif reading.speaking:
        _heard(line, number, reading)
    else:
        scene = reading.found.scenes[-1] if reading.found.scenes else reading.begin(number)
        scene.see(line.lstrip("!~> ").rstrip("< ").rstrip(".").replace(" ,", ","), join=", ")


def _without_number(heading: str) -> str:
    """Return a scene heading without its number: `TOWER - LATER #2#` is `TOWER - LATER`."""
    stripped = heading.rstrip()
    begin = stripped.rfind("#", 0, -1)
    return stripped[:begin] if stripped.endswith("#") and 0 <= begin < len(stripped) - 2 else heading


def _transition(line: str) -> str | None:
    """Return how the next scene begins where the line says so: `CUT TO:`, `> FADE TO BLACK TO:` or `SMASH CUT`."""
    words = line.removeprefix(">").strip().removesuffix(".").removesuffix(":")
    if not set(words) <= {*string.ascii_uppercase, " "}:
        return None
    if words.endswith(" TO"):
        places = [(words.find(name), name) for name in TRANSITIONS if name in words]
        return TRANSITIONS[min(places)[1]] if places else None
    return next((told for name, told in TRANSITIONS.items() if words.endswith(name)), None)


def _is_character(line: str) -> bool:
    """Return whether the line names who speaks: in capitals, or after an @."""
    capitals = any("A" <= letter <= "Z" for letter in line) and not any("a" <= letter <= "z" for letter in line)
    return capitals or (line.startswith("@") and len(line) > 1)


def _heard(line: str, number: int, reading: _Reading) -> None:
    if line.startswith("(") and line.endswith(")"):
        return
    if not reading.found.scenes:
        raise BadInput(
            "Line {line}: somebody speaks before there is a scene. Begin with a heading such as EXT. BAY - NIGHT.",
            line=number,
        )
    reading.found.scenes[-1].hear(line.strip("*_"))


def _take_notes(line: str, number: int, reading: _Reading) -> str:
    """Return the line without its notes; those that are options go to the scene."""
    kept, at = list[str](), 0
    while (begin := line.find("[[", at)) >= 0 and (end := line.find("]]", begin + 2)) >= 0:
        kept.append(line[at:begin])
        key = _KEY.fullmatch(line[begin + 2 : end].strip())
        if key and reading.found.scenes:
            reading.found.scenes[-1].options.append(Raw(key[1].strip().lower(), key[2].strip(), number))
        at = end + 2
    return "".join([*kept, line[at:]]).strip()
