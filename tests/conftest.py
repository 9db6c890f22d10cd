"""What holds for every test."""

import functools
import inspect
from typing import Any

import pytest
import structlog

from tests.watched_loop import checking

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S"),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ],
)
"""As the bot's own, which the usual one is not: that takes 0.9 s of the event loop to draw a traceback."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Watch the event loop of every asynchronous test, whichever loop that is."""
    if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(item.obj):
        return
    test = item.obj

    @functools.wraps(test)
    async def watched(*arguments: Any, **named: Any) -> None:
        with checking():
            await test(*arguments, **named)

    item.obj = watched
