"""Fixtures: a store on disk with a clock that tests set, jobs and results, and HTTP servers for files."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from engine.core.job import Job, Result
from engine.media.files import keep
from storage.files import Files
from storage.store import Store
from tests.storage.builders import Clock, Handler, Serve
from tests.timing import HANG_SECONDS

Reopen = Callable[..., AbstractAsyncContextManager[Store]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reopen(tmp_path: Path, clock: Clock) -> Reopen:
    """Return a function that opens the test's database, as a restarted bot does."""

    def again(**settings: Any) -> AbstractAsyncContextManager[Store]:
        return Store.open(tmp_path / "atelier.db", clock=clock, **settings)

    return again


@pytest.fixture
async def store(reopen: Reopen) -> AsyncIterator[Store]:
    async with reopen() as opened:
        yield opened


@pytest.fixture
def job(clock: Clock) -> Callable[..., Job]:
    """Return a function that creates jobs. Jobs with the same `key` have the same result."""

    def make(key: str = "apple", user: str = "web:a", command: str = "imagine", **fields: Any) -> Job:
        defaults = {"task": command, "params": {"prompt": key}, "origin": "room/1", "created": clock.now}
        return Job(command=command, key=key, user=user, **defaults | fields)

    return make


@pytest.fixture
def result(tmp_path: Path) -> Callable[..., Result]:
    """Return a function that creates results with one file of `size` bytes."""

    def make(name: str = "apple", size: int = 100) -> Result:
        content = (name.encode() + bytes(size))[:size]
        return Result(media=(keep(content, tmp_path / "media", ".bin"),), facts={"seed": 1})

    return make


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "media", max_bytes=100_000, max_pixels=1_000_000, timeout=HANG_SECONDS)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> str:
        application = web.Application()
        application.router.add_get("/{path:.*}", handler)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()
