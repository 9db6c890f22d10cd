"""Read Fountain, the plain-text format of screenplays (fountain.io).

Scene headings and action become the prompt, dialogue becomes the narration. A note such as `[[seconds: 5]]` sets an
option; `CUT TO:`, `DISSOLVE TO:` and `WIPE TO:` set the transition to the next scene.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.core.errors import BadInput
from engine.tasks.film.scripts.raw import Raw, RawScene, RawScript
from engine.tasks.film.scripts.script import HEAD_OPTIONS

_HEADING = re.compile(r"(?:\.(?!\.)|(?=(?:INT|EXT|EST|INT\./EXT|INT/EXT|I/E)[. ]))(.+)", re.IGNORECASE)
_PLACE = re.compile(r"^(?:INT\./EXT|INT/EXT|I/E|INT|EXT|EST)[. ]+", re.IGNORECASE)
_KEY = re.compile(r"([A-Za-z ]+):(.*)")
TRANSITIONS = {"CUT": "cut", "DISSOLVE": "crossfade", "FADE": "crossfade", "WIPE": "wipe"}
TITLE_PAGE_KEYS = {"title": "title", "credit": "", "author": "credits", "authors": "credits", "style": "style"}
"""Keys of the title page that a film uses, and the options that they set."""


@dataclass
class _ParserState:
    """What has been read so far: the script, whether a character is speaking, and the transition to the next scene."""

    found: RawScript = field(default_factory=RawScript)
    speaking: bool = False
    transition: str = ""

    def begin(self, line: int) -> RawScene:
        """Start a new scene at line number `line` and return it."""
        scene = RawScene(line)
        if self.transition:
            scene.options.append(Raw("transition", self.transition, line))
            self.transition = ""
        self.found.scenes.append(scene)
        return scene


def parse(text: str) -> RawScript:
    """Return the script in `text`. Raises BadInput for dialogue before the first scene."""
    lines = "".join(_without_boneyard(text)).split("\n")
    state = _ParserState()
    begins = _read_title_page(lines, state.found)
    for number, line in enumerate(lines[begins:], begins + 1):
        before = lines[number - 2].strip() if number > 1 else ""
        after = lines[number].strip() if number < len(lines) else ""
        _read_line(line.strip(), number, state, alone=not before, followed=bool(after))
    return state.found


def _without_boneyard(text: str) -> Iterator[str]:
    """Yield the text without `/* … */` comments. Line breaks inside them are kept."""
    at = 0
    while (begin := text.find("/*", at)) >= 0 and (end := text.find("*/", begin + 2)) >= 0:
        yield text[at:begin]
        yield "\n" * text.count("\n", begin, end)
        at = end + 2
    yield text[at:]


def _read_title_page(lines: list[str], found: RawScript) -> int:
    """Read the title page, if there is one, and return its number of lines."""
    if not lines or not _KEY.fullmatch(lines[0].strip()) or _parse_transition(lines[0].strip()):
        return 0
    name = ""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            return number
        key = None if line.startswith((" ", "\t")) else _KEY.fullmatch(line.strip())
        name, value = (key[1].strip().lower(), key[2].strip()) if key else (name, line.strip())
        shown = TITLE_PAGE_KEYS.get(name, name if name in HEAD_OPTIONS else "")
        if shown and value:
            _add_head(found.head, shown, value.strip("_* "), number)
    return len(lines)


def _add_head(head: list[Raw], name: str, value: str, line: int) -> None:
    same = next((raw for raw in head if raw.name == name), None)
    if same:
        head[head.index(same)] = Raw(name, f"{same.value}, {value}", same.line)
    else:
        head.append(Raw(name, value, line))


def _read_line(line: str, number: int, state: _ParserState, *, alone: bool, followed: bool) -> None:
    line = _take_notes(line, number, state)
    if not line:
        state.speaking = False
    elif line.startswith(("#", "=")):
        return
    elif alone and (heading := _HEADING.fullmatch(line)):
        place = _PLACE.sub("", _without_number(heading[1]))
        state.begin(number).add_prompt(place.lower() if place.isupper() else place)
    elif alone and (transition := _parse_transition(line)):
        state.transition = transition
    elif alone and followed and _is_character(line):
        state.speaking = True
    elif state.speaking:
        _add_dialogue(line, number, state)
    else:
        scene = state.found.scenes[-1] if state.found.scenes else state.begin(number)
        scene.add_prompt(line.lstrip("!~> ").rstrip("< ").rstrip(".").replace(" ,", ","), join=", ")


def _without_number(heading: str) -> str:
    """Return a scene heading without its number: `TOWER - LATER #2#` becomes `TOWER - LATER`."""
    stripped = heading.rstrip()
    begin = stripped.rfind("#", 0, -1)
    return stripped[:begin] if stripped.endswith("#") and 0 <= begin < len(stripped) - 2 else heading


def _parse_transition(line: str) -> str | None:
    """Return the transition that a line such as `CUT TO:`, `> FADE TO BLACK TO:` or `SMASH CUT` names, or None."""
    words = line.removeprefix(">").strip().removesuffix(".").removesuffix(":")
    if not set(words) <= {*string.ascii_uppercase, " "}:
        return None
    if words.endswith(" TO"):
        places = [(words.find(name), name) for name in TRANSITIONS if name in words]
        return TRANSITIONS[min(places)[1]] if places else None
    return next((value for name, value in TRANSITIONS.items() if words.endswith(name)), None)


def _is_character(line: str) -> bool:
    """Return whether the line names a speaker: in capitals, or after an @."""
    capitals = any("A" <= letter <= "Z" for letter in line) and not any("a" <= letter <= "z" for letter in line)
    return capitals or (line.startswith("@") and len(line) > 1)


def _add_dialogue(line: str, number: int, state: _ParserState) -> None:
    if line.startswith("(") and line.endswith(")"):
        return
    if not state.found.scenes:
        raise BadInput(
            "Line {line}: someone speaks before the first scene. Start with a heading such as EXT. BAY - NIGHT.",
            line=number,
        )
    state.found.scenes[-1].add_narration(line.strip("*_"))


def _take_notes(line: str, number: int, state: _ParserState) -> str:
    """Return the line without its notes. Notes that are options are added to the scene."""
    kept, at = list[str](), 0
    while (begin := line.find("[[", at)) >= 0 and (end := line.find("]]", begin + 2)) >= 0:
        kept.append(line[at:begin])
        key = _KEY.fullmatch(line[begin + 2 : end].strip())
        if key and state.found.scenes:
            state.found.scenes[-1].options.append(Raw(key[1].strip().lower(), key[2].strip(), number))
        at = end + 2
    return "".join([*kept, line[at:]]).strip()
