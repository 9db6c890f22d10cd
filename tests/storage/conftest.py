"""A store on the disk whose clock a test turns, and jobs and results for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from engine.job import Job, Result
from engine.media import keep
from storage.store import Store
from tests.storage.made import Clock

Reopen = Callable[..., AbstractAsyncContextManager[Store]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reopen(tmp_path: Path, clock: Clock) -> Reopen:
    """Opens the one database of this test, as a restarted bot does."""

    def again(**settings: Any) -> AbstractAsyncContextManager[Store]:
        return Store.open(tmp_path / "atelier.db", clock=clock, **settings)

    return again


@pytest.fixture
async def store(reopen: Reopen) -> AsyncIterator[Store]:
    async with reopen() as opened:
        yield opened


@pytest.fixture
def job(clock: Clock) -> Callable[..., Job]:
    """A job; the same `key` is the same work."""

    def make(key: str = "apple", user: str = "web:a", command: str = "imagine", **fields: Any) -> Job:
        usual = {"task": command, "params": {"prompt": key}, "origin": "room/1", "created": clock.now}
        return Job(command=command, key=key, user=user, **usual | fields)

    return make


@pytest.fixture
def result(tmp_path: Path) -> Callable[..., Result]:
    """A result whose one file holds `size` bytes of its own."""

    def make(name: str = "apple", size: int = 100) -> Result:
        content = (name.encode() + bytes(size))[:size]
        return Result(media=(keep(content, tmp_path / "media", ".bin"),), facts={"seed": 1})

    return make
