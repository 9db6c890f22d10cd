"""Setup of all tests: plain logs, examples that do not depend on chance or time, and a watchdog for the event loop."""

import functools
import inspect
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.watched_loop import checking

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S"),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ],
)
"""Log as the bot does. structlog's default renderer blocks the event loop for 0.9 s to draw a traceback."""

settings.register_profile(
    "tests", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Watch the event loop of every asynchronous test."""
    if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(item.obj):
        return
    test = item.obj

    @functools.wraps(test)
    async def watched(*arguments: Any, **named: Any) -> None:
        with checking():
            await test(*arguments, **named)

    item.obj = watched
