"""A real engine that the tests of a module share, and engines of their own for tests that leave a worker hanging."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from engine.host.engine import Engine
from tests.fakes import Open, left_idle, small_engine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    """Open an engine with a worker, and a second one for tasks that need no device."""
    folder = tmp_path_factory.mktemp("engine")
    async with small_engine(folder, cpu_lane=True, models=(("magic", "grammar"),)) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def engine(shared_engine: Engine) -> AsyncIterator[Engine]:
    """Lend the shared engine. Its worker may be killed, because another one replaces it."""
    async with left_idle(shared_engine):
        yield shared_engine
    shared_engine.durations.on_record = None


@pytest.fixture
def open_engine(tmp_path: Path) -> Open:
    """Return a function that opens an engine with one worker."""
    return partial(small_engine, tmp_path)
