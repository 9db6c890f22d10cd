"""The stream that logs are written to. A line that cannot be written (full disk, closed terminal) is dropped."""

import sys
from contextlib import suppress


def escape(text: str) -> str:
    r"""Return `text` on one line, with every unprintable character replaced by its Python escape.

    This covers line breaks, terminal control sequences and changes of text direction: "\x1b", "\n", "\u202e".
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


class Stderr:
    """The part of a text file's interface that structlog uses. Its methods ignore a stderr that is full or closed."""

    def write(self, text: str) -> int:
        """Write `text` to stderr and return its length, even if stderr is full or closed."""
        with suppress(OSError, ValueError):  # ValueError: a closed file
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush stderr, if it is still open."""
        with suppress(OSError, ValueError):  # ValueError: a closed file
            sys.stderr.flush()
