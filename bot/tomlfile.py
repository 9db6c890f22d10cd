"""A TOML file that knows on which line a key stands."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import BadInput

# What closes a value that is still open at the end of a line: an array, a multi-line string.
_CLOSERS = ("", "\n]", '\n"""', "\n'''")


@dataclass(frozen=True)
class TomlFile:
    """The text of a file and the name that refusals call it by."""

    name: str
    text: str

    @classmethod
    def read(cls, path: Path) -> "TomlFile":
        """Raises BadInput where `path` cannot be read as text."""
        try:
            return cls(path.name, path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise BadInput(
                "Cannot read the settings in {file}: {reason}.", file=str(path), reason=f"{reason}"
            ) from None

    def parse(self) -> dict[str, Any]:
        """Raises BadInput, with line and column, where the text is not TOML."""
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise BadInput("{file} is not valid TOML: {reason}.", file=self.name, reason=str(error)) from None

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line, from 1, on which the value at `path` begins: the first beginning of the file that holds it."""
        lines = self.text.splitlines()
        for number in range(1, len(lines) + 1):
            if any(_holds("\n".join(lines[:number]) + closer, path) for closer in _CLOSERS):
                return number
        raise KeyError(path)


def holds(values: Any, path: Sequence[str | int]) -> bool:
    """Whether nested tables and arrays have a value at `path`."""
    for step in path:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _holds(text: str, path: Sequence[str | int]) -> bool:
    try:
        return holds(tomllib.loads(text), path)
    except tomllib.TOMLDecodeError:
        return False
