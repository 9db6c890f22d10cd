"""Jobs for a real engine, and ways to follow them."""

import asyncio
import time
from contextlib import aclosing

import pytest

from engine.core.job import Job, Queued, Started
from engine.host.engine import Engine
from engine.host.job_handle import RunUpdate
from tests.fakes import until
from tests.timing import HANG_SECONDS


async def run_to_end(
    engine: Engine, job: Job, started: asyncio.Event | None = None, attempt: int = 1
) -> list[RunUpdate]:
    """Submit one run of a job and return all its updates. Set `started` at the start of the run."""
    collected: list[RunUpdate] = []
    async with aclosing(engine.submit(job, attempt)) as updates:
        async for update in updates:
            collected.append(update)
            if started is not None and isinstance(update, Started):
                started.set()
    return collected


async def queue_together(engine: Engine, *jobs: Job) -> list["asyncio.Task[list[RunUpdate]]"]:
    """Submit jobs one after another while none may start, then let them start."""
    engine.mode = "paused"
    tasks = []
    for number, job in enumerate(jobs, start=1):
        tasks.append(asyncio.create_task(run_to_end(engine, job)))
        await until(lambda: len(engine.device_queue) == number)  # noqa: B023  # called in this round
    engine.mode = "open"
    return tasks


def about(seconds: float) -> object:
    """Return what equals a time that was `seconds` at most HANG_SECONDS ago."""
    return pytest.approx(seconds, abs=HANG_SECONDS)


def pid(engine: Engine) -> int:
    """Return the process id of the first worker."""
    number = engine.state().workers[0].pid
    assert number is not None
    return number


async def submit_and_cancel(
    engine: Engine, job: Job, cancel_at: type[Queued] | type[Started]
) -> tuple[RunUpdate, float]:
    """Cancel a job at its first update of that type. Return its last update, and the seconds from the cancel to it."""
    started, last = 0.0, None
    async with aclosing(engine.submit(job)) as updates:
        async for update in updates:
            last = update
            if isinstance(update, cancel_at) and not started:
                started = time.monotonic()
                assert engine.cancel(job.id)
    assert last is not None
    return last, time.monotonic() - started


def is_replaced(engine: Engine, before: int) -> bool:
    """Return whether a worker other than process `before` is ready."""
    return engine.state().workers[0].ready and pid(engine) != before
