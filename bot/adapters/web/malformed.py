"""Malformed requests in the log: one short line each, and few of them."""

import logging
import time

from aiohttp.http import HttpProcessingError

LINES, WINDOW_SECONDS = 10, 60.0
"""How many malformed requests are logged within so many seconds; the others are only counted."""
REASON_LENGTH = 200


class MalformedRequests(logging.Filter):
    """Rewrites aiohttp's records of requests that it could not parse, each of which has a traceback of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = -WINDOW_SECONDS
        self._logged = 0
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        if not self._has_room():
            self._left_out += 1
            return False
        remote = record.args[0] if isinstance(record.args, tuple) and record.args else "unknown"
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg = "malformed request from %s: %s (%d more were left out before)"
        record.args = (remote, str(error.message)[:REASON_LENGTH], self._left_out)
        record.exc_info = record.exc_text = None
        self._left_out = 0
        return True

    def _has_room(self) -> bool:
        now = time.monotonic()
        if now - self._begun >= WINDOW_SECONDS:
            self._begun, self._logged = now, 0
        self._logged += 1
        return self._logged <= LINES


_FILTER = MalformedRequests()


def keep_short() -> None:
    """Have aiohttp's records of malformed requests rewritten, in whichever server of this process."""
    logging.getLogger("aiohttp.server").addFilter(_FILTER)
