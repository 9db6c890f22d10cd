"""Fixtures of every test."""

import inspect

import pytest

from tests.watched_loop import watched_loop

__all__ = ["nothing_of_ours_holds_the_event_loop", "watched_loop"]


@pytest.fixture(autouse=True)
def nothing_of_ours_holds_the_event_loop(request: pytest.FixtureRequest) -> None:
    """Watch the loop of every asynchronous test."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("watched_loop")
