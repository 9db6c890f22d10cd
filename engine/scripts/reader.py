"""Text to a script; every fault is named by its line."""

from collections.abc import Iterable

from engine.errors import BadInput, TooLarge
from engine.scripts import fountain, plain, toml
from engine.scripts.checks import checked_head, checked_scene
from engine.scripts.raw import Raw
from engine.scripts.script import MOST_SCENES, MOST_SECONDS, Script, ScriptScene

FORMATS = {"txt": plain.parts, "md": plain.parts, "toml": toml.parts, "fountain": fountain.parts}
"""By suffix."""


def read(text: str, suffix: str = "txt") -> Script:
    """The script in `text`, in the format of a file with `suffix`. Raises BadInput and TooLarge, naming the line."""
    raw = FORMATS[suffix](text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", ""))
    if not raw.scenes:
        raise BadInput(
            "script has no scenes. Write at least one: a line of what is seen, and under it a line of what is said,"
            " which begins with >."
        )
    if len(raw.scenes) > MOST_SCENES:
        raise TooLarge(
            "script has {count} scenes; at most {bound} are allowed. Scene {next} begins in line {line}: make another"
            " film of the rest.",
            count=len(raw.scenes),
            bound=MOST_SCENES,
            next=MOST_SCENES + 1,
            line=raw.scenes[MOST_SCENES].line,
        )
    script = Script(scenes=tuple(checked_scene(scene) for scene in raw.scenes), **checked_head(_once(raw.head)))
    _check_length(script.scenes)
    return script


def _once(head: Iterable[Raw]) -> dict[str, Raw]:
    found: dict[str, Raw] = {}
    for raw in head:
        if raw.name in found:
            raise BadInput("Line {line}: {option} is given twice. Keep one of them.", line=raw.line, option=raw.name)
        found[raw.name] = raw
    return found


def _check_length(scenes: Iterable[ScriptScene]) -> None:
    seconds = sum(scene.length for scene in scenes)
    if seconds > MOST_SECONDS:
        raise TooLarge(
            "script lasts about {minutes} minutes; at most {bound} are allowed. Make several films of it.",
            minutes=round(seconds / 60),
            bound=round(MOST_SECONDS / 60),
        )
