"""Jobs that share a run of a real worker process."""

import asyncio
import time

import pytest

from engine.core.job import Done, Started
from engine.host.engine import Engine
from tests.engine.host.engine_harness import (
    queue_together,
    run_to_end,
)
from tests.fakes import done, echo, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_jobs_of_a_batch_run_together_and_end_separately(engine: Engine) -> None:
    shared = [echo(user=f"web:{n}", text=str(n), share="x", seconds=0.2 + n / 10) for n in range(3)]
    ends = [(await updates)[-1] for updates in await queue_together(engine, *shared)]
    assert [done(end).result.text for end in ends] == ["0", "1", "2"]
    assert [done(end).result.facts for end in ends] == [{"together": 3}] * 3


async def test_a_batch_records_one_share_of_its_duration(engine: Engine) -> None:
    recorded: list[float] = []
    engine.durations.on_record = lambda _, seconds: recorded.append(seconds)
    engine.device_queue.mode = "paused"
    asked = [asyncio.create_task(run_to_end(engine, echo(share="x", seconds=0.6, user=f"web:{n}"))) for n in range(3)]
    await until(lambda: len(engine.device_queue) == 3)
    engine.device_queue.mode = "open"
    started = time.monotonic()
    await asyncio.gather(*asked)
    assert len(recorded) == 1
    assert 0.6 / 3 <= recorded[0] <= (time.monotonic() - started) / 3


async def test_jobs_of_a_failed_batch_run_singly_and_only_the_faulty_one_fails(engine: Engine) -> None:
    jobs = [echo(user=f"web:{n}", share="x", fault="error" if n == 1 else "none") for n in range(3)]
    updates_of_each = [await updates for updates in await queue_together(engine, *jobs)]
    assert [isinstance(updates[-1], Done) for updates in updates_of_each] == [True, False, True]
    assert [sum(isinstance(update, Started) for update in updates) for updates in updates_of_each] == [1, 1, 1]
