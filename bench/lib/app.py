"""Open a studio to measure: a real store in a file, a real worker, and an unlimited service with the echo command."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.app import AppContext
from bot.config.settings import Settings
from bot.core.command import Command, Request
from bot.requests.call import JobCall, command
from bot.requests.service import Service
from engine.core.job import Job, Update
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from engine.tasks.echo import Params
from storage.files import Files
from storage.store import Store

UNLIMITED = Settings.model_validate({"limits": {"imagine": "off"}})


@command("Say it back")
async def echo(call: JobCall, params: Params) -> Job:
    """Return an echo job."""
    return await call.build_job("echo", params)


@asynccontextmanager
async def open_studio(
    cache_bytes: int = 5_000_000_000, commands: tuple[Command, ...] = (echo,)
) -> AsyncIterator[Service]:
    """Open the studio in a temporary folder, which is deleted at the end."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            Store.open(folder / "atelier.db", cache_bytes) as store,
            Engine.open(HostSettings(devices=("cpu",), worker=WorkerSettings(folder=folder))) as engine,
        ):
            await engine.service("echo")
            files = Files(folder / "media", 10**7, 10**7)
            yield Service(AppContext(UNLIMITED, store, files, engine, commands))


async def ask(service: Service, number: int, people: int = 8) -> Update:
    """Run one echo that was not asked for before, and return its last update."""
    asked = Request("echo", {"text": str(number)}, f"web:{number % people}", "bench")
    async with aclosing(service.handle(asked)) as updates:
        return [update async for update in updates][-1]
