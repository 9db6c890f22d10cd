"""The real thing made small: an engine whose worker is a real child that echoes, and jobs for it."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from engine.core.job import Done, Failed, Job, Update, key_of
from engine.host.engine import Engine, HostSettings
from storage.store import JobRecord, Store

Open = Callable[..., AbstractAsyncContextManager[Engine]]


@asynccontextmanager
async def small_engine(folder: Path, **settings: Any) -> AsyncIterator[Engine]:
    """One worker on the CPU that is ready."""
    async with Engine.open(HostSettings(devices=("cpu",), folder=folder, **settings)) as engine:
        await engine.service("echo")
        yield engine


def echo(user: str = "web:a", **params: Any) -> Job:
    """An echo job."""
    raw = {"text": "", "seconds": 0, "fault": "none", **params}
    return Job(command="echo", task="echo", params=raw, key=key_of("echo", 1, "echo", raw), user=user, origin="")


def done(update: Update) -> Done:
    assert isinstance(update, Done), update
    return update


def failed(update: Update) -> Failed:
    assert isinstance(update, Failed), update
    return update


async def ended(store: Store, job: str, seconds: float = 5) -> JobRecord:
    """The job's row, once the job has ended and the person has been told."""
    async with asyncio.timeout(seconds):
        while (row := await store.job(job)) is None or row.state not in {"done", "failed", "cancelled"}:  # noqa: ASYNC110
            await asyncio.sleep(0.005)  # rows tell nobody of their changes
    return row


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait for something that no event tells of."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for is in another process
            await asyncio.sleep(0.005)  # what is waited for is in another process


def quiet(seconds: float = 0.5) -> bytes:
    """Silence as a WAV."""
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(int(8000 * seconds) * 2))
    return held.getvalue()


def gone(pid: int) -> bool:
    """Whether the process has ended, be it that nobody has asked for its exit code yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
