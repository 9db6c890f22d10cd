"""What happens to jobs whose worker dies, with the real store and a real worker. Only the job's lifecycle retries."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.jobs.coalescing import JobCoalescer, Subscription
from bot.jobs.lifecycle import JobLifecycle, run_unstored
from bot.jobs.limit_gate import LimitGate
from engine.core.errors import EngineDied
from engine.core.job import Done, Job, Progress, Queued, Started, Update
from engine.host.engine import Engine
from engine.host.job_handle import WorkerDied
from storage.store import Store
from tests.fakes import done, echo, fail_once, failed, paused, raise_unexpected, small_engine, until

HANG_BEGINS_SECONDS = 0.5
"""Seconds after which a job that hangs no longer reacts to a cancel."""


@dataclass(frozen=True)
class Bench:
    """The parts of the bot that run jobs."""

    engine: Engine
    store: Store
    coalescer: JobCoalescer
    lifecycle: JobLifecycle

    async def run(self, job: Job) -> list[Update]:
        """Admit the job, run it and return all its updates."""
        await self.store.admit(job)
        async with aclosing(self.lifecycle.run(job)) as updates:
            return [update async for update in updates]

    def start(self, job: Job) -> asyncio.Task[list[Update]]:
        """Run the job in a task."""
        return asyncio.create_task(self.run(job))

    async def attempts(self, job: Job) -> tuple[str, int]:
        """Return the state of the job's row, and how many attempts it counts."""
        row = await self.store.job(job.id)
        assert row is not None
        return row.state, row.attempt

    @property
    def pid(self) -> int:
        """Return the process id of the worker."""
        return self.engine.state().workers[0].pid or 0

    def kill_worker(self) -> None:
        """Kill the worker as the kernel does when memory runs out."""
        os.kill(self.pid, signal.SIGKILL)


@asynccontextmanager
async def open_bench(folder: Path) -> AsyncIterator[Bench]:
    async with Store.open(":memory:") as store, small_engine(folder) as engine:
        coalescer = JobCoalescer(engine)
        yield Bench(engine, store, coalescer, JobLifecycle(store, coalescer, LimitGate(store, {})))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path) as opened:
        yield opened


def runs_in(updates: list[Update]) -> int:
    """Return how many runs the updates tell of."""
    return sum(isinstance(update, Started) for update in updates)


async def test_a_job_runs_again_when_its_worker_is_killed(bench: Bench) -> None:
    await bench.store.admit(job := echo(text="served", seconds=1))
    seen: list[Update] = []
    async with aclosing(bench.lifecycle.run(job)) as updates:
        async for update in updates:
            if isinstance(update, Progress) and runs_in(seen) == 1 and not isinstance(seen[-1], Progress):
                bench.kill_worker()
            seen.append(update)
    assert done(seen[-1]).result.text == "served"
    assert [type(update) for update in seen if not isinstance(update, Progress)] == [
        *(Queued, Started, Queued, Started, Done),
    ]
    assert await bench.attempts(job) == ("done", 2)


async def test_a_job_that_kills_its_worker_twice_fails_and_the_others_run(bench: Bench) -> None:
    deadly = bench.start(job := echo(fault="die"))
    behind = [bench.start(echo(user=f"web:{n}", text=str(n))) for n in range(3)]
    updates = await deadly
    assert isinstance(failed(updates[-1]).error(), EngineDied)
    assert runs_in(updates) == 2
    assert await bench.attempts(job) == ("failed", 2)
    assert [done((await each)[-1]).result.text for each in behind] == ["0", "1", "2"]


async def test_a_job_whose_worker_dies_before_it_has_started_counts_an_attempt(bench: Bench) -> None:
    """Such as a job that the worker cannot read."""
    os.kill(bench.pid, signal.SIGSTOP)
    asked = bench.start(job := echo(text="late"))
    await until(lambda: job.id in bench.engine.state().workers[0].running)
    bench.kill_worker()
    updates = await asked
    assert done(updates[-1]).result.text == "late"
    assert runs_in(updates) == 1
    assert await bench.attempts(job) == ("done", 2)


async def test_jobs_of_a_batch_that_killed_its_worker_run_singly(bench: Bench) -> None:
    faults = ("none", "die", "none")
    jobs = [echo(user=f"web:{n}", text=str(n), share="x", fault=fault) for n, fault in enumerate(faults)]
    with paused(bench.engine):
        started = [bench.start(job) for job in jobs]
        await until(lambda: len(bench.engine.device_queue) == 3)
    ends = [(await updates)[-1] for updates in started]
    assert isinstance(failed(ends[1]).error(), EngineDied)
    assert [isinstance(end, Done) for end in ends] == [True, False, True]


async def test_a_worker_hung_in_a_cancelled_job_is_killed_and_the_batch_runs_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.host.supervisor.HANG_SECONDS", 0.4)
    before = bench.pid
    bench.engine.mode = "paused"
    stuck = bench.start(hung := echo(share="x", fault="hang"))
    await until(lambda: len(bench.engine.device_queue) == 1)
    shared = bench.start(echo(user="web:b", share="x", seconds=0.5, text="shared"))
    await until(lambda: len(bench.engine.device_queue) == 2)
    bench.engine.mode = "open"
    await until(lambda: len(bench.engine.state().workers[0].running) == 2)
    await asyncio.sleep(HANG_BEGINS_SECONDS)
    assert bench.engine.cancel(hung.id)
    assert failed((await stuck)[-1]).kind == "Cancelled"
    updates = await shared
    assert done(updates[-1]).result.text == "shared"
    assert runs_in(updates) == 2
    assert bench.pid != before


async def test_an_error_in_the_supervisor_is_logged_and_all_jobs_run(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    before = bench.pid
    faults = fail_once("engine.host.job_handle.seconds_left")
    ends = [
        (await each)[-1]
        for each in [bench.start(echo(text="first", seconds=0.2)), bench.start(echo(user="web:b", text="behind"))]
    ]
    assert [done(end).result.text for end in ends] == ["first", "behind"]
    assert (len(faults), bench.pid != before) == (1, True)
    output = capsys.readouterr().out
    assert "worker stopped by a bug of ours" in output
    assert "RuntimeError: an unexpected error" in output


async def test_a_job_that_breaks_the_supervisor_twice_fails_and_the_next_runs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.host.job_handle.seconds_left", raise_unexpected)
    asked = [bench.start(echo(seconds=each)) for each in (0.2, 0)]
    assert isinstance(failed((await asked[0])[-1]).error(), EngineDied)
    assert isinstance((await asked[1])[-1], Done)


async def test_identical_jobs_that_kill_their_worker_share_both_runs(bench: Bench) -> None:
    jobs = [echo(user=f"web:{n}", fault="die", seconds=0.2) for n in range(3)]
    updates_of_each = [await updates for updates in [bench.start(job) for job in jobs]]
    assert [isinstance(failed(updates[-1]).error(), EngineDied) for updates in updates_of_each] == [True] * 3
    assert [runs_in(updates) for updates in updates_of_each] == [2, 2, 2]
    assert [await bench.attempts(job) for job in jobs] == [("failed", 2)] * 3
    assert len(bench.coalescer) == 0


async def test_an_identical_job_that_joins_before_the_second_run_counts_that_run_only(bench: Bench) -> None:
    """The first one is still writing to the store that its worker has died."""
    first, second = echo(seconds=0.3, text="same"), echo(user="web:b", seconds=0.3, text="same")
    with bench.coalescer.subscribe(first) as slow:
        while not isinstance(await slow.next(), Started):
            continue
        bench.kill_worker()
        while not isinstance(await slow.next(), WorkerDied):
            continue
        updates = await bench.run(second)
        assert runs_in(updates) == 1
        assert isinstance(updates[-1], Done)
    assert await bench.attempts(second) == ("done", 1)


async def test_a_subscriber_that_is_late_to_ask_for_the_second_run_starts_no_third(bench: Bench) -> None:
    async def next_death(subscription: Subscription) -> WorkerDied:
        while not isinstance(update := await subscription.next(), WorkerDied):
            continue
        return update

    jobs = [echo(user=f"web:{n}", fault="die") for n in range(2)]
    with bench.coalescer.subscribe(jobs[0]) as prompt, bench.coalescer.subscribe(jobs[1]) as late:
        prompt.run_again(await next_death(prompt))
        assert (await next_death(prompt)).attempt == 2
        late.run_again(await next_death(late))
        assert (await next_death(late)).attempt == late.run.attempt == 2


async def test_a_job_that_is_cancelled_while_its_worker_dies_is_cancelled(bench: Bench) -> None:
    await bench.store.admit(job := echo(seconds=600))
    seen: list[Update] = []
    async with aclosing(bench.lifecycle.run(job)) as updates:
        async for update in updates:
            seen.append(update)
            if isinstance(update, Started):
                bench.kill_worker()
                await until(lambda: not bench.engine.state().workers[0].running)
                assert bench.coalescer.cancel(job.id)
    assert failed(seen[-1]).kind == "Cancelled"
    assert (await bench.attempts(job))[0] == "cancelled"
    await until(lambda: bench.engine.state().waiting == 0, 60)


async def test_a_run_without_a_row_has_two_attempts_as_well(bench: Bench) -> None:
    assert isinstance(failed(await run_unstored(bench.coalescer, echo(fault="die"))).error(), EngineDied)
    asked = asyncio.create_task(run_unstored(bench.coalescer, echo(text="prompt", seconds=1)))
    await until(lambda: bool(bench.engine.state().workers[0].running))
    bench.kill_worker()
    assert done(await asked).result.text == "prompt"
