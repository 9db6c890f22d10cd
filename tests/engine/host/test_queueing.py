"""Order, pauses and estimates of queued jobs, with a real worker process."""

import asyncio
from contextlib import aclosing

import pytest

from engine.core.job import Done, Job, Progress, Queued, Started, key_of
from engine.host.durations import RunClass
from engine.host.engine import CPU_LANE, Engine
from engine.tasks.magic.params import Params as Magic
from tests.engine.host.engine_harness import (
    about,
    queue_together,
    run_to_end,
)
from tests.fakes import done, echo, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_newcomer_runs_before_the_jobs_of_a_heavy_user(engine: Engine) -> None:
    ended: list[str] = []
    engine.durations.on_record = lambda kind, _: ended.append(kind.size)
    greedy = (echo(user="greedy", seconds=0.1, text=str(n)) for n in range(5))
    await asyncio.gather(*await queue_together(engine, *greedy, echo(user="newcomer", seconds=0.2)))
    assert ended.index("0.2 s") <= 1


async def test_nothing_starts_while_the_queue_is_paused_and_queued_jobs_are_told(engine: Engine) -> None:
    engine.device_queue.mode = "paused"
    async with aclosing(engine.submit(echo(text="late"))) as updates:
        first = await anext(updates)
        assert isinstance(first, Queued)
        assert first.paused
        assert engine.state().mode == "paused"
        engine.device_queue.mode = "open"
        rest = [update async for update in updates]
    assert [type(update) for update in rest][-2:] == [Started, Done]


async def test_a_bumped_job_is_the_next_to_run(engine: Engine) -> None:
    engine.device_queue.mode = "paused"
    jobs = [echo(user=f"web:{n}") for n in range(3)]
    ended: list[str] = []

    async def run(job: Job) -> None:
        ended.append(done((await run_to_end(engine, job))[-1]).job)

    running = [asyncio.create_task(run(job)) for job in jobs]
    await until(lambda: len(engine.device_queue) == 3)
    assert engine.device_queue.bump(jobs[2].id)
    assert next(engine.device_queue.positions()).job == jobs[2].id
    engine.device_queue.mode = "open"
    await asyncio.gather(*running)
    assert ended[0] == jobs[2].id


async def test_a_task_without_a_device_does_not_wait_for_one(engine: Engine) -> None:
    service = await engine.service("magic")
    params = Magic(idea="a lighthouse at noon", seed=1).model_dump(mode="json")
    key = key_of("magic", service.version, service.model, params)
    job = Job(command="magic", task="magic", params=params, key=key, user="web:a", origin="")
    async with aclosing(engine.submit(echo(seconds=600))) as slow:
        while not isinstance(await anext(slow), Started):
            continue
        result = done((await run_to_end(engine, job))[-1])
        assert str(result.result.facts["prompt"]).startswith("a lighthouse at noon, ")
        cpu, device = engine.state().workers[1], engine.state().workers[0]
        assert (cpu.device, [service.task for service in cpu.services]) == (CPU_LANE, ["magic"])
        assert device.running


async def test_pausing_the_engine_pauses_the_cpu_lane_too(engine: Engine) -> None:
    await engine.service("magic")
    engine.mode = "paused"
    params = Magic(idea="a cat", seed=1).model_dump(mode="json")
    job = Job(command="magic", task="magic", params=params, key="k", user="web:a", origin="")
    async with aclosing(engine.submit(job)) as updates:
        assert isinstance(await anext(updates), Queued)
        assert (engine.queue_position(job.id), engine.state().waiting) == (1, 1)
        assert engine.bump(job.id)
        engine.mode = "open"
        assert [type(update) async for update in updates][-1] is Done


async def test_remaining_time_and_wait_are_estimated_once_similar_runs_are_known(engine: Engine) -> None:
    async with aclosing(engine.submit(echo(seconds=600))) as unknown:
        left = await anext(update async for update in unknown if isinstance(update, Progress))
        assert left.seconds_left is None
    for seconds in (600, 660, 540):
        engine.durations.add(RunClass("echo", "echo", "600 s", "cpu"), seconds)
    async with aclosing(engine.submit(echo(seconds=600))) as known, aclosing(engine.submit(echo())) as behind:
        left = await anext(update async for update in known if isinstance(update, Progress))
        assert left.seconds_left == about(600)
        wait = await anext(behind)
        assert isinstance(wait, Queued)
        assert wait.seconds_left == about(600)


async def test_a_queued_job_gets_an_estimate_once_similar_runs_are_known(engine: Engine) -> None:
    await engine.service("echo")
    for _ in range(3):
        engine.durations.add(RunClass("echo", "echo", "600 s", "cpu"), 600)
    jobs = [echo(user=f"new:{seconds}", seconds=seconds) for seconds in (600, 300, 299)]
    asked = [asyncio.create_task(run_to_end(engine, job)) for job in jobs]
    await until(lambda: bool(engine.state().workers[0].running) and engine.state().waiting == 2)
    assert [position.starts for position in engine.device_queue.positions()] == [about(600), None]
    for _ in range(3):
        engine.durations.add(RunClass("echo", "echo", "300 s", "cpu"), 300)
    assert [position.starts for position in engine.device_queue.positions()] == [about(600), about(900)]
    for task in asked:
        task.cancel()
