"""Read the lists of wildcards: text files in UTF-8 with a choice a line.

A line may have variants and wildcards in it, and a weight before it: `3::red` is drawn three times as often as `blue`.
Lines that begin with # are notes.
"""

from itertools import accumulate
from pathlib import Path
from random import Random

import structlog

from bot.prompting.template_syntax import WILDCARD_NAME, split_weight
from engine.core.errors import BadInput

log = structlog.get_logger()

OWN = Path(__file__).with_name("wildcards")
"""The lists that come along; the owner's of the same name go before."""
MAX_LIST_BYTES = 1_000_000
MAX_NAME_CHARACTERS = 100
MAX_NAMES_SHOWN = 40
"""Lists that a refusal names."""


class Lists:
    """The lists in the owner's `folder` and those that come along. Each file is read once, when it is first named."""

    def __init__(self, folder: Path) -> None:
        self._folders = (folder, OWN)
        self._read: dict[str, tuple[list[str], list[float]]] = {}

    def names(self) -> list[str]:
        """Return the names that a prompt can write, in alphabetical order."""
        found = {
            path.relative_to(folder).with_suffix("").as_posix()
            for folder in self._folders
            for path in folder.rglob("*.txt")
        }
        return sorted(name for name in found if WILDCARD_NAME.fullmatch(name) and len(name) <= MAX_NAME_CHARACTERS)

    def draw(self, name: str, chance: Random) -> str:
        """Return a line of the list, drawn by the lines' weights.

        Raises BadInput for a list that is not there, is empty, is too large, or is not text in UTF-8.
        """
        if name not in self._read:
            self._read[name] = self._lines(name)
        lines, totals = self._read[name]
        return chance.choices(lines, cum_weights=totals)[0]

    def _lines(self, name: str) -> tuple[list[str], list[float]]:
        """Return the lines without their weights, and the sums of the weights up to each line."""
        text = _text(self._path(name), name)
        stripped = (line.strip() for line in text.splitlines())
        weighed = [split_weight(line) for line in stripped if line and not line.startswith("#")]
        if not weighed:
            raise BadInput("The wildcards' list {name} is empty. Tell an admin.", name=name)
        totals = list(accumulate(weight for weight, _ in weighed))
        if not 0 < totals[-1] < float("inf"):
            raise BadInput(
                "The weights in the wildcards' list {name} add up to nothing or to too much. Tell an admin.", name=name
            )
        return [line for _, line in weighed], totals

    def _path(self, name: str) -> Path:
        paths = (folder / f"{name}.txt" for folder in self._folders if len(name) <= MAX_NAME_CHARACTERS)
        found = next((path for path in paths if _is_file(path, name)), None)
        if found is None:
            names = self.names()
            known = ", ".join(names[:MAX_NAMES_SHOWN]) + (", …" if len(names) > MAX_NAMES_SHOWN else "") or "none"
            shown = name if len(name) <= MAX_NAME_CHARACTERS else name[: MAX_NAME_CHARACTERS - 1] + "…"
            raise BadInput("There is no list for __{name}__. The lists are: {known}.", name=shown, known=known)
        return found


def _is_file(path: Path, name: str) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise _unreadable(path, name, error) from None


def _text(path: Path, name: str) -> str:
    """Return the file's text without a byte order mark. The refusal tells the person; the log tells the admin more."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, name, error) from None
    if len(data) > MAX_LIST_BYTES:
        log.error("a wildcards' list is too large", file=str(path), most_bytes=MAX_LIST_BYTES)
        template = "The wildcards' list {name} has more than {bound} bytes. Tell an admin to split {file}."
        raise BadInput(template, name=name, bound=MAX_LIST_BYTES, file=f"{name}.txt")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        log.error("a wildcards' list is not text in UTF-8", file=str(path))
        template = "The wildcards' list {name} is not text in UTF-8. Tell an admin to save {file} in UTF-8."
        raise BadInput(template, name=name, file=f"{name}.txt")
    return text.replace("\ufeff", "")


def _unreadable(path: Path, name: str, error: OSError) -> BadInput:
    log.error("a wildcards' list cannot be read", file=str(path), why=error.strerror)
    return BadInput("The wildcards' list {name} cannot be read. Tell an admin.", name=name)
