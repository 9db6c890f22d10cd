"""structlog for the front end: one line an event, with job and user where there are any.

Names, addresses, file names and parts of requests come from outside. None of them can begin a line of its own or reach
the terminal raw, neither in our own events nor in what libraries log.
"""

import logging
import sys
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

from engine.core.log_stream import Stderr, escape

VALUE_LENGTH = 1000
"""Characters of one value that are shown."""
TRACEBACK_LENGTH = 20_000
QUOTED = frozenset(" \t=\r\n\"'")
TRACEBACKS = ("exception", "stack")

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure() -> None:
    """Our own events and the libraries' warnings, to stderr; colours only where a person watches."""
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
    """Escape and cut every value of an event. For structlog, before what renders it."""
    return {name: _escape_value(name, value) for name, value in event.items()}


class EscapingFormatter(logging.Formatter):
    """Escapes and cuts what libraries log, as `escape_values` does with our own events."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        return _escape(super().formatMessage(record))

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802  # logging's name
        return _escape_traceback(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802  # logging's name
        return _escape_traceback(super().formatStack(stack_info))


def _escape_value(name: str, value: Any) -> Any:
    if name in TRACEBACKS:
        return _escape_traceback(value)
    if isinstance(value, str):
        # structlog shows the repr of a text with one of these, and that escapes what it must.
        quoted = name != "event" and not QUOTED.isdisjoint(value)
        return _cut(value, VALUE_LENGTH) if quoted else _escape(value)
    text = repr(value)
    return value if text.isprintable() and len(text) <= VALUE_LENGTH else _escape(text)


def _escape(text: str) -> str:
    return _cut(escape(text[: VALUE_LENGTH + 1]), VALUE_LENGTH)


def _escape_traceback(text: Any) -> str:
    """Indent each line, so that no message of an exception looks like a line of the log."""
    lines = _cut(str(text), TRACEBACK_LENGTH).split("\n")
    return "\n".join(f"  {escape(line)}" for line in lines)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
