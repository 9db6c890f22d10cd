"""Log malformed requests in one short line each, and only a few of them."""

import logging
import time

from aiohttp.http import HttpProcessingError

MAX_RECORDS, WINDOW_SECONDS = 10, 60.0
"""Malformed requests that are logged, and the seconds in which these are counted. Others are only counted."""
REASON_LENGTH = 200
"""Characters of aiohttp's reason that are logged."""


class MalformedRequests(logging.Filter):
    """Shortens aiohttp's log records of requests that it could not parse. By default each has a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self._window_start = -WINDOW_SECONDS
        self._logged = 0
        self._skipped = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log the record, and shorten it if it is about a malformed request."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        if not self._is_allowed():
            self._skipped += 1
            return False
        remote = record.args[0] if isinstance(record.args, tuple) and record.args else "unknown"
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg = "malformed request from %s: %s (%d others were not logged)"
        record.args = (remote, str(error.message)[:REASON_LENGTH], self._skipped)
        record.exc_info = record.exc_text = None
        self._skipped = 0
        return True

    def _is_allowed(self) -> bool:
        """Count a record, and return whether it is within the limit."""
        now = time.monotonic()
        if now - self._window_start >= WINDOW_SECONDS:
            self._window_start, self._logged = now, 0
        self._logged += 1
        return self._logged <= MAX_RECORDS


_FILTER = MalformedRequests()


def shorten_malformed_records() -> None:
    """Install the filter for every aiohttp server in this process."""
    logging.getLogger("aiohttp.server").addFilter(_FILTER)
