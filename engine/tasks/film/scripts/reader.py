"""Read a script in any format. Every error names its line."""

from collections.abc import Iterable
from functools import lru_cache

from engine.core.errors import BadInput, TooLarge
from engine.media.text_files import decode_text
from engine.tasks.film.scripts import fountain, plain, toml
from engine.tasks.film.scripts.checks import check_head, check_scene
from engine.tasks.film.scripts.raw import Raw
from engine.tasks.film.scripts.script import MAX_FILM_SECONDS, MAX_SCENES, Script, ScriptScene

MAX_CHARACTERS = 60_000
"""Maximum length of a script."""
MAX_LINES = 5000
"""Maximum number of lines."""
MAX_BYTES = 4 * MAX_CHARACTERS
"""Maximum size of a file. A character takes at most four bytes in UTF-8 and UTF-16."""
FORMATS = {"txt": plain.parse, "md": plain.parse, "toml": toml.parse, "fountain": fountain.parse}
"""Parser for each file suffix."""


@lru_cache(maxsize=16)
def read(text: str, suffix: str = "txt") -> Script:
    """Return the script in `text`, in the format of a file with `suffix`. Recent results are cached.

    The time is linear in the length of the text. Raises BadInput and TooLarge with the line number.
    """
    if len(text) > MAX_CHARACTERS:
        raise TooLarge(
            "The script has {count:,} character; the limit is {bound:,}. Split it into several films.",
            plural="The script has {count:,} characters; the limit is {bound:,}. Split it into several films.",
            count=len(text),
            bound=MAX_CHARACTERS,
        )
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    if (breaks := text.count("\n")) > MAX_LINES:
        raise TooLarge(
            "The script has {count:,} line; the limit is {bound:,}. Split it into several films.",
            plural="The script has {count:,} lines; the limit is {bound:,}. Split it into several films.",
            count=breaks,
            bound=MAX_LINES,
        )
    raw = FORMATS[suffix](text)
    if not raw.scenes:
        raise BadInput(
            "The script has no scenes. Describe what a scene shows in one line, and put what is said below it, after >."
        )
    if len(raw.scenes) > MAX_SCENES:
        raise TooLarge(
            "The script has {count:,} scene; the limit is {bound}. Scene {next} starts in line {line}: make "
            "another film from there.",
            plural="The script has {count:,} scenes; the limit is {bound}. Scene {next} starts in line {line}: make "
            "another film from there.",
            count=len(raw.scenes),
            bound=MAX_SCENES,
            next=MAX_SCENES + 1,
            line=raw.scenes[MAX_SCENES].line,
        )
    script = Script(scenes=tuple(check_scene(scene) for scene in raw.scenes), **check_head(_index_head(raw.head)))
    _check_length(script.scenes)
    return script


def decode(data: bytes) -> str:
    """Return the text of a script file in any encoding that `decode_text` reads. Raises BadInput and TooLarge."""
    if len(data) > MAX_BYTES:
        template = "The script file is larger than {bound:bytes}, which is the limit. Split it into several films."
        raise TooLarge(template, bound=MAX_BYTES)
    text, _ = decode_text(data, "file")
    return text


def _index_head(head: Iterable[Raw]) -> dict[str, Raw]:
    found: dict[str, Raw] = {}
    for raw in head:
        if raw.name in found:
            raise BadInput("Line {line}: {option} appears twice. Remove one of them.", line=raw.line, option=raw.name)
        found[raw.name] = raw
    return found


def _check_length(scenes: Iterable[ScriptScene]) -> None:
    seconds = sum(scene.length for scene in scenes)
    if seconds > MAX_FILM_SECONDS:
        raise TooLarge(
            "The film would last about {time:duration}; the limit is {bound:duration}. "
            "Split the script into several films.",
            time=seconds,
            bound=MAX_FILM_SECONDS,
        )
