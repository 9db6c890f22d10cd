"""Commands that ask first, one whose button opens a text for editing, and one whose button asks for a text."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import Field

from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings
from bot.core.command import ButtonAction, ButtonSpec, Command, Confirm
from bot.requests.call import Call, JobCall, command
from bot.requests.contexts import ResultReader
from bot.requests.results import load_result
from bot.requests.service import Service
from engine.core.job import Job
from engine.core.params import TaskParams
from engine.host.engine import Engine
from engine.tasks.echo import Params as Echo
from storage.files import Files
from storage.store import Store


class Edited(TaskParams):
    """A job, and the text to say instead."""

    job: str = Field(description="The job's id", json_schema_extra={"positional": True})
    said: str = Field(description="What to say instead", max_length=500, json_schema_extra={"rest": True})


@command("Say it back, once that is certain")
async def certain(call: JobCall, params: Echo) -> Job | Confirm:
    job = await call.build_job("echo", params)
    return Confirm("Is that certain?", "Yes, say it", job)


@command("Say it and more, once that is certain")
async def several(call: JobCall, params: Echo) -> Job | Confirm:
    jobs = [
        await call.build_job("echo", params.model_copy(update={"text": f"{params.text} {place}"}))
        for place in (1, 2, 3)
    ]
    return Confirm("All three?", "All", jobs[0], also_jobs=tuple(jobs[1:]))


@command("Say it back")
async def echo(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@command(
    "Say it otherwise",
    button=ButtonSpec("Edit", ("said",), ButtonAction.EDIT, without_files=True, edited_option="said"),
    hidden=True,
)
async def otherwise(call: Call[ResultReader], params: Edited) -> Job:
    await load_result(call.studio, call.request, params.job)
    return await call.build_job("echo", Echo(text=params.said))


class Written(TaskParams):
    """A job, and a text that is unknown before the person types it."""

    job: str = Field(description="The job's id", json_schema_extra={"positional": True})
    words: str = Field(description="What to say after it", max_length=500, json_schema_extra={"rest": True})


@command(
    "Say more",
    button=ButtonSpec("Write", ("said",), ButtonAction.EDIT, without_files=True, edited_option="words"),
    hidden=True,
)
async def more(call: Call[ResultReader], params: Written) -> Job:
    await load_result(call.studio, call.request, params.job)
    return await call.build_job("echo", Echo(text=params.words))


ASKING = (*COMMANDS, certain, several, echo, otherwise, more)


@asynccontextmanager
async def open_service(engine: Engine, folder: Path, **sections: Any) -> AsyncIterator[Service]:
    """Open a service with the commands above over the store in `folder`, as after a restart."""
    async with open_service_with(ASKING, engine, folder, **sections) as service:
        yield service


@asynccontextmanager
async def open_service_with(
    commands: tuple[Command, ...], engine: Engine, folder: Path, /, **sections: Any
) -> AsyncIterator[Service]:
    """Open a service with any commands, in the same way."""
    settings = Settings.model_validate({"bot": {"data_dir": folder}, **sections})
    async with Store.open(folder / "atelier.db") as store:
        files = Files(folder / "media", max_bytes=1_000_000, max_pixels=10_000_000)
        yield Service(AppContext(settings, store, files, engine, commands))
