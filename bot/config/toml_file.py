"""A TOML file that knows on which line a key stands."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.errors import BadInput

MAX_BYTES = 1_000_000
MAX_REASON = 300
"""Characters of what tomllib says of a fault."""
# What closes a value that is still open at the end of a line: an array, a multi-line string.
_CLOSERS = ("", "\n]", '\n"""', "\n'''")


@dataclass(frozen=True)
class TomlFile:
    """The text of a file and the name that refusals call it by."""

    name: str
    text: str

    @classmethod
    def read(cls, path: Path) -> "TomlFile":
        """Raises BadInput where `path` cannot be read as text, or is far larger than settings are."""
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                template = "{file} has more than {bound} bytes. Settings are shorter."
                raise BadInput(template, file=path.name, bound=MAX_BYTES)
            return cls(path.name, data.decode("utf-8-sig").replace("\r\n", "\n"))
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
            reason = str(error)
        except RecursionError:
            reason = "its brackets or keys are too deep in one another"
        except ValueError:  # Python reads no decimal number of more than 4,300 digits
            reason = "it has a number of thousands of digits"
        raise BadInput("{file} is not valid TOML: {reason}.", file=self.name, reason=reason[:MAX_REASON])

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line, from 1, on which the value at `path` begins: the first beginning of the file that holds it."""
        lines = self.text.splitlines()
        for number in range(1, len(lines) + 1):
            if any(_has_path("\n".join(lines[:number]) + closer, path) for closer in _CLOSERS):
                return number
        raise KeyError(path)


def has_path(values: Any, path: Sequence[str | int]) -> bool:
    """Whether nested tables and arrays have a value at `path`."""
    for step in path:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _has_path(text: str, path: Sequence[str | int]) -> bool:
    try:
        return has_path(tomllib.loads(text), path)
    except (ValueError, RecursionError):
        return False
