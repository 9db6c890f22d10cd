"""The real engine on a small scale: one worker process that echoes, jobs for it, and ways to wait."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest

from engine.core.job import Done, Failed, Job, key_of
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from engine.host.job_handle import RunUpdate
from engine.host.worker_state import WorkerState
from storage.store import JobRecord, Store
from tests.timing import HANG_SECONDS

Open = Callable[..., AbstractAsyncContextManager[Engine]]


@asynccontextmanager
async def small_engine(
    folder: Path,
    *,
    models: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    timeout: float = 600.0,  # noqa: ASYNC109  # the limit of a job, not of this function
    cpu_lane: bool = False,
    **settings: Any,
) -> AsyncIterator[Engine]:
    """Open an engine with one CPU worker that is ready. `settings` are further settings of the worker."""
    worker = WorkerSettings(folder=folder, models=dict(models), **settings)
    host = HostSettings(devices=("cpu",), worker=worker, timeout=timeout, cpu_lane=cpu_lane)
    async with Engine.open(host) as engine:
        await engine.service("echo")
        yield engine


@asynccontextmanager
async def left_idle(engine: Engine) -> AsyncIterator[Engine]:
    """Lend an engine that tests share. At the end wait until it is open, ready and without jobs."""
    yield engine
    engine.mode = "open"
    await until(lambda: not engine.state().waiting and all(_is_idle(worker) for worker in engine.state().workers))


def _is_idle(worker: WorkerState) -> bool:
    return worker.ready and not worker.running


@contextmanager
def paused(engine: Engine) -> Iterator[None]:
    """Let no job start inside the block, so that what is sent there is still waiting at its end."""
    engine.mode = "paused"
    try:
        yield
    finally:
        engine.mode = "open"


def echo(user: str = "web:a", **params: Any) -> Job:
    """Return an echo job of `user`."""
    raw = {"text": "", "seconds": 0, "fault": "none", **params}
    return Job(command="echo", task="echo", params=raw, key=key_of("echo", 1, "echo", raw), user=user, origin="")


def done(update: RunUpdate) -> Done:
    """Return `update`, asserting that it is Done."""
    assert isinstance(update, Done), update
    return update


def failed(update: RunUpdate) -> Failed:
    """Return `update`, asserting that it is Failed."""
    assert isinstance(update, Failed), update
    return update


async def ended(store: Store, job: str, seconds: float = HANG_SECONDS) -> JobRecord:
    """Wait until the job has ended and been delivered, and return its row."""
    async with asyncio.timeout(seconds):
        while (row := await store.job(job)) is None or row.state not in {"done", "failed", "cancelled"}:  # noqa: ASYNC110
            await asyncio.sleep(0.005)  # rows have no event for changes
    return row


async def until(condition: Callable[[], bool], seconds: float = HANG_SECONDS) -> None:
    """Wait for a condition that has no event."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # the condition is in another process
            await asyncio.sleep(0.005)  # the condition is in another process


def quiet(seconds: float = 0.5) -> bytes:
    """Return so many seconds of silence as a WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(int(8000 * seconds) * 2))
    return buffer.getvalue()


def gone(pid: int) -> bool:
    """Return whether the process has ended, even if its exit code has not been collected."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def raise_unexpected(*_: object) -> NoReturn:
    """Raise an error that no code handles by its type."""
    raise RuntimeError("an unexpected error")


def fail_once(name: str) -> list[str]:
    """Make the function called `name` raise at its next call only. The call is appended to the returned list."""
    faults: list[str] = []

    def fail(*_: object) -> NoReturn:
        faults.append(name)
        patch.undo()
        raise_unexpected()

    patch = pytest.MonkeyPatch()
    patch.setattr(name, fail)
    return faults
