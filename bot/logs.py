"""Logging of the front end through structlog: one line per event, with the job and the user if there are any.

Names, addresses, file names and parts of requests come from outside. They are escaped, both in our own events and in
what libraries log, so that none of them can start a new line or send control codes to the terminal.
"""

import logging
import sys
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

from engine.core.log_stream import Stderr, escape

MAX_VALUE_CHARACTERS = 1000
"""Longer values are cut."""
MAX_TRACEBACK_CHARACTERS = 20_000
"""Longer tracebacks are cut."""
QUOTED_CHARACTERS = frozenset(" \t=\r\n\"'")
"""structlog shows the repr of a text that contains one of these."""
TRACEBACK_KEYS = ("exception", "stack")
"""Names under which structlog keeps tracebacks."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure() -> None:
    """Send our events and the libraries' warnings to stderr, in colour if that is a terminal."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EscapingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S"),
            structlog.processors.format_exc_info,
            escape_values,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Stderr())),
        cache_logger_on_first_use=True,
    )


def escape_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape and cut every value of an event. This is a structlog processor that runs before the renderer."""
    return {name: _escape_value(name, value) for name, value in event.items()}


class EscapingFormatter(logging.Formatter):
    """Escapes and cuts what libraries log, as `escape_values` does for our own events."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """Return the message on one escaped line."""
        return _escape(super().formatMessage(record))

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802  # logging's name
        """Return the traceback, escaped and indented."""
        return _escape_traceback(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802  # logging's name
        """Return the stack, escaped and indented."""
        return _escape_traceback(super().formatStack(stack_info))


def _escape_value(name: str, value: Any) -> Any:
    if name in TRACEBACK_KEYS:
        return _escape_traceback(value)
    if isinstance(value, str):
        # structlog's repr already escapes such a text.
        shown = _cut(value, MAX_VALUE_CHARACTERS)
        is_quoted = name != "event" and not QUOTED_CHARACTERS.isdisjoint(shown)
        return shown if is_quoted else _escape(value)
    text = repr(value)
    return value if text.isprintable() and len(text) <= MAX_VALUE_CHARACTERS else _escape(text)


def _escape(text: str) -> str:
    return _cut(escape(text[: MAX_VALUE_CHARACTERS + 1]), MAX_VALUE_CHARACTERS)


def _escape_traceback(text: Any) -> str:
    """Indent each line, so that no exception message looks like a log line."""
    lines = _cut(str(text), MAX_TRACEBACK_CHARACTERS).split("\n")
    return "\n".join(f"  {escape(line)}" for line in lines)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
