"""Unexpected errors in the engine itself: they are logged, and every job ends."""

import asyncio
from contextlib import aclosing

import pytest

from engine.core.job import Done, Queued
from engine.host.engine import Engine
from tests.engine.host.engine_harness import run_to_end
from tests.fakes import done, echo, fail_once, failed, raise_unexpected, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_error_in_the_scheduler_only_delays_the_job(engine: Engine) -> None:
    faults = fail_once("engine.host.scheduler.Schedule.pick")
    assert done((await run_to_end(engine, echo(text="late")))[-1]).result.text == "late"
    assert len(faults) == 1


async def test_an_error_while_recording_a_duration_loses_no_result(engine: Engine) -> None:
    engine.durations.on_record = raise_unexpected
    assert done((await run_to_end(engine, echo(text="x")))[-1]).result.text == "x"
    engine.durations.on_record = None
    assert isinstance((await run_to_end(engine, echo(text="next")))[-1], Done)


async def test_positions_are_published_again_after_an_error(engine: Engine) -> None:
    engine.mode = "paused"
    ahead = asyncio.create_task(run_to_end(engine, first := echo(user="a")))
    await until(lambda: first.id in engine.device_queue)
    async with aclosing(engine.submit(echo(user="b"))) as behind:
        before = await anext(behind)
        faults = fail_once("engine.host.scheduler.Schedule.forget")
        engine.cancel(first.id)
        after = await anext(behind)
    assert [each.place for each in (before, after) if isinstance(each, Queued)] == [2, 1]
    assert len(faults) == 1
    assert failed((await ahead)[-1]).kind == "Cancelled"
