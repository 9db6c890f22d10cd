"""How an update travels from the worker to an adapter, with the real store and a real worker."""

import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

from bot.app import AppContext
from bot.config.settings import Settings
from bot.core.command import Request
from bot.requests.call import JobCall, command
from bot.requests.service import Service
from engine.core.job import Job, Update
from engine.tasks.echo import Params as Echo
from storage.files import Files
from storage.store import Store
from tests.fakes import done, small_engine
from tests.fakes import echo as echo_job

OURS = tuple(Path(__file__).parents[3] / name for name in ("bot", "engine", "storage"))
CONTEXT_MANAGERS = {"Uploads.of_request"}
"""Generators that are written as context managers and yield no update."""


@command("Say it back")
async def echo(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@contextmanager
def record_generators() -> Iterator[set[str]]:
    """Yield a set that receives the name of each of our asynchronous generators that begins within the context."""
    names, before = set[str](), sys.get_asyncgen_hooks()

    def record(generator: Any) -> None:
        if any(Path(generator.ag_code.co_filename).is_relative_to(folder) for folder in OURS):
            names.add(generator.ag_code.co_qualname)
        if before.firstiter is not None:
            before.firstiter(generator)

    sys.set_asyncgen_hooks(firstiter=record)
    try:
        yield names
    finally:
        sys.set_asyncgen_hooks(*before)


async def read_to_end(updates: AsyncGenerator[Update, None]) -> list[Update]:
    async with aclosing(updates) as each:
        return [update async for update in each]


async def test_an_update_passes_through_three_generators(tmp_path: Path) -> None:
    """From the worker's output to an adapter, for a request and for a job that an earlier process left."""
    async with Store.open(":memory:") as store, small_engine(tmp_path) as engine:
        files = Files(tmp_path / "media", max_bytes=1000, max_pixels=10_000)
        service = Service(AppContext(Settings(), store, files, engine, (echo,)))
        with record_generators() as handled:
            ended = await read_to_end(service.handle(Request("echo", {"text": "hi"}, "web:a", "here")))
        await store.admit(left := echo_job(text="left"))
        with record_generators() as resumed:
            assert done((await read_to_end(service.resume(left)))[-1]).result.text == "left"
    assert done(ended[-1]).result.text == "hi"
    assert handled - CONTEXT_MANAGERS == {"Engine.submit", "JobLifecycle.run", "Service.handle"}
    assert resumed == {"Engine.submit", "JobLifecycle.run", "JobLifecycle.resume"}
