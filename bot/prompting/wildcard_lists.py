"""Read wildcard lists: UTF-8 text files with one word or phrase per line.

A line may contain variants and wildcards, and may start with a weight: `3::red` is drawn three times as often as
`blue`. Lines that begin with # are comments.
"""

from itertools import accumulate
from pathlib import Path
from random import Random

import structlog

from bot.prompting.template_syntax import WILDCARD_NAME, split_weight
from engine.core.errors import BadInput

log = structlog.get_logger()

BUILTIN_DIR = Path(__file__).with_name("wildcards")
"""The lists that come with Atelier. A list of the owner with the same name takes precedence."""
MAX_LIST_BYTES = 1_000_000
"""Larger list files are refused."""
MAX_NAME_CHARACTERS = 100
"""Characters of a list's name, with its folders."""
MAX_NAMES_SHOWN = 40
"""Names that an error message lists."""


class WildcardLists:
    """The lists in the owner's `folder` and the built-in ones. Each file is read once, when it is first used."""

    def __init__(self, folder: Path) -> None:
        self._folders = (folder, BUILTIN_DIR)
        self._loaded: dict[str, tuple[list[str], list[float]]] = {}

    def names(self) -> list[str]:
        """Return the names that can be written in a prompt, in alphabetical order."""
        names = {
            path.relative_to(folder).with_suffix("").as_posix()
            for folder in self._folders
            for path in folder.rglob("*.txt")
        }
        return sorted(name for name in names if WILDCARD_NAME.fullmatch(name) and len(name) <= MAX_NAME_CHARACTERS)

    def draw(self, name: str, random: Random) -> str:
        """Return a random line of the list, chosen by the lines' weights.

        Raises BadInput for a list that does not exist, is empty, is too large, or is not UTF-8 text.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        lines, totals = self._loaded[name]
        return random.choices(lines, cum_weights=totals)[0]

    def _load(self, name: str) -> tuple[list[str], list[float]]:
        """Return the lines without their weights, and the cumulative weights."""
        text = _read_text(self._find(name), name)
        stripped = (line.strip() for line in text.splitlines())
        weighted = [split_weight(line) for line in stripped if line and not line.startswith("#")]
        if not weighted:
            raise BadInput("The wildcard list {name} is empty. Tell an admin.", name=name)
        totals = list(accumulate(weight for weight, _ in weighted))
        if not 0 < totals[-1] < float("inf"):
            raise BadInput(
                "The weights in the wildcard list {name} add up to zero or are too large. Tell an admin.", name=name
            )
        return [line for _, line in weighted], totals

    def _find(self, name: str) -> Path:
        paths = (folder / f"{name}.txt" for folder in self._folders if len(name) <= MAX_NAME_CHARACTERS)
        file = next((path for path in paths if _is_file(path, name)), None)
        if file is None:
            names = self.names()
            known = ", ".join(names[:MAX_NAMES_SHOWN]) + (", …" if len(names) > MAX_NAMES_SHOWN else "") or "none"
            shown = name if len(name) <= MAX_NAME_CHARACTERS else name[: MAX_NAME_CHARACTERS - 1] + "…"
            raise BadInput("There is no wildcard list __{name}__. Available: {known}.", name=shown, known=known)
        return file


def _is_file(path: Path, name: str) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise _unreadable(path, name, error) from None


def _read_text(path: Path, name: str) -> str:
    """Return the file's text without a byte order mark. Raises BadInput, and logs details for the admin."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, name, error) from None
    if len(data) > MAX_LIST_BYTES:
        log.error("wildcard list too large", file=str(path), max_bytes=MAX_LIST_BYTES)
        template = "The wildcard list {name} is larger than {bound:bytes}. Tell an admin to split {file}."
        raise BadInput(template, name=name, bound=MAX_LIST_BYTES, file=f"{name}.txt")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        log.error("wildcard list is not UTF-8 text", file=str(path))
        template = "The wildcard list {name} is not UTF-8 text. Tell an admin to save {file} as UTF-8."
        raise BadInput(template, name=name, file=f"{name}.txt")
    return text.replace("\ufeff", "")


def _unreadable(path: Path, name: str, error: OSError) -> BadInput:
    log.error("wildcard list cannot be read", file=str(path), why=error.strerror)
    return BadInput("The wildcard list {name} cannot be read. Tell an admin.", name=name)
