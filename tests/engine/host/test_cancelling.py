"""Cancelling jobs of a real worker process, alone, in a batch and in a worker that hangs."""

import asyncio
from contextlib import aclosing

import pytest

from engine.core.errors import Broken, Cancelled
from engine.core.job import Done, Queued, Started
from engine.host.engine import Engine
from tests.engine.host.engine_harness import (
    is_replaced,
    pid,
    queue_together,
    run_to_end,
    submit_and_cancel,
)
from tests.fakes import Open, done, echo, failed, until
from tests.timing import CANCEL_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")
HANG_BEGINS_SECONDS = 0.5
"""Seconds after its start in which a job that hangs stops reacting to a cancel. It needs a thousandth of that."""


async def test_cancelling_a_running_job_ends_it_and_keeps_the_worker(engine: Engine) -> None:
    before = pid(engine)
    running, waiting = echo(seconds=600), echo(user="web:b", text="still here")
    after = asyncio.create_task(submit_and_cancel(engine, running, cancel_at=Started))
    other = asyncio.create_task(run_to_end(engine, waiting))
    last, seconds = await after
    assert isinstance(failed(last).error(), Cancelled)
    assert seconds < CANCEL_SECONDS
    assert done((await other)[-1]).result.text == "still here"
    assert pid(engine) == before


async def test_a_cancelled_queued_job_never_runs(engine: Engine) -> None:
    running = asyncio.create_task(run_to_end(engine, first := echo(seconds=600)))
    await until(lambda: bool(engine.state().workers[0].running))
    last, _ = await submit_and_cancel(engine, echo(user="web:b"), cancel_at=Queued)
    assert failed(last).kind == "Cancelled"
    assert engine.cancel(first.id)
    assert failed((await running)[-1]).kind == "Cancelled"


async def test_closing_the_updates_cancels_the_job(engine: Engine) -> None:
    async with aclosing(engine.submit(echo(seconds=600))) as updates:
        async for update in updates:
            if isinstance(update, Started):
                break
    assert isinstance((await run_to_end(engine, echo(text="next")))[-1], Done)


async def test_cancelling_one_job_of_a_batch_leaves_the_others(engine: Engine) -> None:
    engine.mode = "paused"
    others = [asyncio.create_task(run_to_end(engine, echo(user=f"web:{n}", share="x", seconds=0.5))) for n in range(2)]
    unwanted = echo(user="web:c", share="x", seconds=600)
    cancelled = asyncio.create_task(submit_and_cancel(engine, unwanted, cancel_at=Started))
    await until(lambda: len(engine.device_queue) == 3)
    engine.mode = "open"
    last, seconds = await cancelled
    assert failed(last).kind == "Cancelled"
    assert seconds < CANCEL_SECONDS
    assert [done((await updates)[-1]).result.facts for updates in others] == [{"together": 3}] * 2


async def test_cancelling_a_job_of_a_hung_batch_does_not_wait_for_the_worker(
    open_engine: Open,
) -> None:
    async with open_engine() as engine:
        engine.mode = "paused"
        stuck = asyncio.create_task(run_to_end(engine, hung := echo(share="x", fault="hang")))
        await until(lambda: hung.id in engine.device_queue)
        cancelled = asyncio.create_task(
            submit_and_cancel(engine, echo(user="web:b", share="x", seconds=600), cancel_at=Started)
        )
        await until(lambda: len(engine.device_queue) == 2)
        engine.mode = "open"
        last, seconds = await cancelled
        assert (failed(last).kind, seconds < CANCEL_SECONDS) == ("Cancelled", True)
        stuck.cancel()


async def test_cancelling_a_hung_job_does_not_wait_for_the_worker(open_engine: Open) -> None:
    async with open_engine() as engine:
        last, seconds = await submit_and_cancel(engine, echo(fault="hang"), cancel_at=Started)
        assert (failed(last).kind, seconds < CANCEL_SECONDS) == ("Cancelled", True)


async def test_killing_a_hung_worker_is_logged_and_the_next_job_runs(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.host.supervisor.HANG_SECONDS", 0.2)
    before, started = pid(engine), asyncio.Event()
    stuck = asyncio.create_task(run_to_end(engine, hung := echo(fault="hang"), started))
    await started.wait()
    await asyncio.sleep(HANG_BEGINS_SECONDS)
    assert engine.cancel(hung.id)
    assert failed((await stuck)[-1]).kind == "Cancelled"
    assert done((await run_to_end(engine, echo(text="next")))[-1]).result.text == "next"
    assert is_replaced(engine, before)
    assert "The worker did not stop when its job was cancelled" in capsys.readouterr().out


async def test_a_worker_that_still_sends_updates_is_not_killed_for_a_cancelled_job(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.host.supervisor.HANG_SECONDS", 2)  # far more than 0.02 s from update to update
    before = pid(engine)
    # the first job breaks the batch, so the others run one by one and the last sees its cancel only when it begins
    jobs = [echo(user=f"new:{n}", share="x", seconds=3, fault="none" if n else "error") for n in range(3)]
    asked = await queue_together(engine, *jobs)
    assert isinstance(failed((await asked[0])[-1]).error(), Broken)
    assert engine.cancel(jobs[2].id)
    assert done((await asked[1])[-1]).job == jobs[1].id
    assert failed((await asked[2])[-1]).kind == "Cancelled"
    assert pid(engine) == before
