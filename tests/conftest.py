"""What holds for every test."""

import functools
import inspect
from typing import Any

import pytest

from tests.watched_loop import checking


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
