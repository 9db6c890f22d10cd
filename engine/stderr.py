"""Where logs go. What cannot be written, as on a full disk or to a terminal that is gone, is lost, and nothing else."""

import sys
from contextlib import suppress


class Stderr:
    """As much of a text file as structlog asks for. Raises nothing."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()
