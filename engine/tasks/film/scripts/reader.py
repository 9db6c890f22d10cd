"""Text to a script; every fault is named by its line."""

from collections.abc import Iterable
from functools import lru_cache

from engine.core.errors import BadInput, TooLarge
from engine.media.text_files import decode_text
from engine.tasks.film.scripts import fountain, plain, toml
from engine.tasks.film.scripts.checks import check_head, check_scene
from engine.tasks.film.scripts.raw import Raw
from engine.tasks.film.scripts.script import MOST_SCENES, MOST_SECONDS, Script, ScriptScene

MAX_CHARACTERS = 60_000
MAX_LINES = 5000
MAX_BYTES = 4 * MAX_CHARACTERS
"""Of a script's file: UTF-8 takes four bytes for a character at most, and UTF-16 likewise."""
FORMATS = {"txt": plain.parts, "md": plain.parts, "toml": toml.parts, "fountain": fountain.parts}
"""By suffix."""


@lru_cache(maxsize=16)
def read(text: str, suffix: str = "txt") -> Script:
    """Return the script in `text`, in the format of a file with `suffix`. The last ones are remembered.

    The time is linear in the text's length, which is bounded. Raises BadInput and TooLarge, naming the line.
    """
    if len(text) > MAX_CHARACTERS:
        template = "script has {length} characters; at most {bound} are allowed. Make several films of it."
        raise TooLarge(template, length=len(text), bound=MAX_CHARACTERS)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    if (breaks := text.count("\n")) > MAX_LINES:
        template = "script has {length} lines; at most {bound} are allowed. Make several films of it."
        raise TooLarge(template, length=breaks, bound=MAX_LINES)
    raw = FORMATS[suffix](text)
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
    script = Script(scenes=tuple(check_scene(scene) for scene in raw.scenes), **check_head(_once(raw.head)))
    _check_length(script.scenes)
    return script


def decode(data: bytes) -> str:
    """Return the text of a script's file, in any encoding that `decode_text` reads. Raises BadInput, and TooLarge."""
    if len(data) > MAX_BYTES:
        template = "file has more than {bound} bytes, the most that a script may have. Make several films of it."
        raise TooLarge(template, bound=MAX_BYTES)
    text, _ = decode_text(data, "file")
    return text


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
