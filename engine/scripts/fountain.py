"""Fountain, the plain text of screenplays (fountain.io): a scene heading and action are what is seen, dialogue is said.

A note such as `[[seconds: 5]]` gives an option; `CUT TO:`, `DISSOLVE TO:` and `WIPE TO:` say how the next scene begins.
"""

import re
from dataclasses import dataclass, field

from engine.errors import BadInput
from engine.scripts.raw import Raw, RawScene, RawScript
from engine.scripts.script import HEAD

_HEADING = re.compile(r"(?:\.(?!\.)|(?=(?:INT|EXT|EST|INT\./EXT|INT/EXT|I/E)[. ]))(.+)", re.IGNORECASE)
_PLACE = re.compile(r"^(?:INT\./EXT|INT/EXT|I/E|INT|EXT|EST)[. ]+\s*", re.IGNORECASE)
_SCENE_NUMBER = re.compile(r"\s*#[^#]+#\s*$")
_TRANSITION = re.compile(r">?\s*([A-Z ]*?)(CUT|DISSOLVE|FADE|WIPE)([A-Z ]* TO)?:?\.?\s*")
_CHARACTER = re.compile(r"@.+|[^a-z\n]*[A-Z][^a-z\n]*")
_NOTE = re.compile(r"\[\[(.*?)\]\]")
_KEY = re.compile(r"([A-Za-z ]+):\s*(.*)")
_BONEYARD = re.compile(r"/\*.*?\*/", re.DOTALL)
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
    text = _BONEYARD.sub(lambda gone: "\n" * gone[0].count("\n"), text)
    lines = text.split("\n")
    reading = _Reading()
    begins = _title_page(lines, reading.found)
    for number, line in enumerate(lines[begins:], begins + 1):
        before = lines[number - 2].strip() if number > 1 else ""
        after = lines[number].strip() if number < len(lines) else ""
        _read(line.strip(), number, reading, alone=not before, followed=bool(after))
    return reading.found


def _title_page(lines: list[str], found: RawScript) -> int:
    """Reads the title page, if there is one, and returns how many lines it takes."""
    if not lines or not _KEY.fullmatch(lines[0].strip()) or _TRANSITION.fullmatch(lines[0].strip()):
        return 0
    name = ""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            return number
        key = None if line.startswith((" ", "\t")) else _KEY.fullmatch(line.strip())
        name, value = (key[1].strip().lower(), key[2]) if key else (name, line.strip())
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
    line = _noted(line, number, reading)
    if not line:
        reading.speaking = False
    elif line.startswith(("#", "=")):
        return
    elif alone and (heading := _HEADING.fullmatch(line)):
        place = _PLACE.sub("", _SCENE_NUMBER.sub("", heading[1]))
        reading.begin(number).see(place.lower() if place.isupper() else place)
    elif alone and (turn := _TRANSITION.fullmatch(line)):
        reading.transition = TRANSITIONS[turn[2]]
    elif alone and followed and _CHARACTER.fullmatch(line):
        reading.speaking = True
    elif reading.speaking:
        _heard(line, number, reading)
    else:
        scene = reading.found.scenes[-1] if reading.found.scenes else reading.begin(number)
        scene.see(("" if not scene.prompt else ", ") + line.lstrip("!~").rstrip("."))
        scene.prompt = scene.prompt.replace(" ,", ",")


def _heard(line: str, number: int, reading: _Reading) -> None:
    if line.startswith("(") and line.endswith(")"):
        return
    if not reading.found.scenes:
        raise BadInput(
            "Line {line}: somebody speaks before there is a scene. Begin with a heading such as EXT. BAY - NIGHT.",
            line=number,
        )
    reading.found.scenes[-1].hear(line.strip("*_"))


def _noted(line: str, number: int, reading: _Reading) -> str:
    for note in _NOTE.findall(line):
        key = _KEY.fullmatch(note.strip())
        if key and reading.found.scenes:
            reading.found.scenes[-1].options.append(Raw(key[1].strip().lower(), key[2].strip(), number))
    return _NOTE.sub("", line).strip()
