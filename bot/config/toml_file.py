"""A TOML file that can find the line of a key."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.errors import BadInput

MAX_BYTES = 1_000_000
MAX_REASON_CHARACTERS = 300
"""Characters of tomllib's error message that are shown."""
_CLOSERS = ("", "\n]", '\n"""', "\n'''")
"""What can close a value that is still open at the end of a line: nothing, an array or a multi-line string."""


@dataclass(frozen=True)
class TomlFile:
    """The text of a file, and the file name for error messages."""

    name: str
    text: str

    @classmethod
    def read(cls, path: Path) -> "TomlFile":
        """Read the file at `path`. Raises BadInput if it cannot be read as UTF-8 text or is over MAX_BYTES."""
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                template = "{file} is larger than {bound:bytes}. Make it smaller."
                raise BadInput(template, file=path.name, bound=MAX_BYTES)
            return cls(path.name, data.decode("utf-8-sig").replace("\r\n", "\n"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise BadInput(
                "Cannot read the settings in {file}: {reason}.", file=str(path), reason=f"{reason}"
            ) from None

    def parse(self) -> dict[str, Any]:
        """Return the values. Raises BadInput, with line and column, if the text is not valid TOML."""
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            reason = str(error)
        except RecursionError:
            reason = "its brackets or keys are nested too deeply"
        except ValueError:  # Python reads no decimal number of more than 4,300 digits
            reason = "it contains a number with thousands of digits"
        raise BadInput("{file} is not valid TOML: {reason}.", file=self.name, reason=reason[:MAX_REASON_CHARACTERS])

    def line_of(self, path: Sequence[str | int]) -> int:
        """Return the line, counted from 1, on which the value at `path` begins.

        It is the last line of the shortest beginning of the file that contains the value. Raises KeyError if there is
        no such value.
        """
        lines = self.text.splitlines()
        for number in range(1, len(lines) + 1):
            if any(_parses_with_path("\n".join(lines[:number]) + closer, path) for closer in _CLOSERS):
                return number
        raise KeyError(path)


def has_path(values: Any, path: Sequence[str | int]) -> bool:
    """Return whether nested tables and arrays contain a value at `path`."""
    for step in path:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _parses_with_path(text: str, path: Sequence[str | int]) -> bool:
    """Return whether `text` is TOML that contains a value at `path`."""
    try:
        return has_path(tomllib.loads(text), path)
    except (ValueError, RecursionError):
        return False
