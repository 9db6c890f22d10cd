"""Where logs go. What cannot be written, as on a full disk or to a terminal that is gone, is lost, and nothing else."""

import sys
from contextlib import suppress


def escape(text: str) -> str:
    r"""Return `text` on one line, without what moves a terminal's cursor, colours it, or turns the order of letters.

    Such characters become escapes as Python writes them: "\x1b", "\n", "\u202e".
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


class Stderr:
    """As much of a text file as structlog asks for. Raises nothing."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()
