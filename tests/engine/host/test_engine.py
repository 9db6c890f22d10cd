"""The engine with a real worker process: crashes, hangs, cancels, memory, batches and order."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

import pytest

from engine.core.errors import Broken, Cancelled, EngineDied, OutOfMemory, TimedOut
from engine.core.job import Done, Job, Progress, Queued, Started, key_of
from engine.core.settings import WorkerSettings
from engine.host.durations import RunClass
from engine.host.engine import CPU_LANE, Engine, HostSettings
from engine.host.job_handle import RunUpdate, WorkerDied
from engine.tasks.imagine.params import Params
from engine.tasks.magic.params import Params as Magic
from tests.fakes import Open, done, echo, fail_once, failed, raise_unexpected, small_engine, until

HANG_BEGINS_SECONDS = 0.3
"""Seconds after which a job that hangs no longer reacts to a cancel."""


@pytest.fixture
def open_engine(tmp_path: Path) -> Open:
    return partial(small_engine, tmp_path)


async def run_to_end(engine: Engine, job: Job, attempt: int = 1) -> list[RunUpdate]:
    """Submit one run of a job and return all its updates."""
    async with aclosing(engine.submit(job, attempt)) as updates:
        return [update async for update in updates]


def pid(engine: Engine) -> int:
    """Return the process id of the first worker."""
    number = engine.state().workers[0].pid
    assert number is not None
    return number


async def test_an_echo_job_runs_in_another_process(open_engine: Open) -> None:
    async with open_engine() as engine:
        updates = await run_to_end(engine, job := echo(text="hello"))
        assert [type(update) for update in updates] == [Queued, Started, Done]
        assert {update.job for update in updates if not isinstance(update, WorkerDied)} == {job.id}
        assert done(updates[-1]).result.text == "hello"
        assert pid(engine) != os.getpid()


async def test_a_failing_task_keeps_the_worker_and_shows_no_traceback(open_engine: Open) -> None:
    async with open_engine() as engine:
        before = pid(engine)
        last = failed((await run_to_end(engine, echo(fault="error")))[-1])
        assert last.kind == "Broken"
        assert "asked for" not in str(last.sentence)
        assert isinstance((await run_to_end(engine, echo(text="next")))[-1], Done)
        assert pid(engine) == before


async def test_out_of_memory_is_reported_and_keeps_the_worker(open_engine: Open) -> None:
    async with open_engine() as engine:
        before = pid(engine)
        last = failed((await run_to_end(engine, echo(fault="memory")))[-1])
        assert isinstance(last.error(), OutOfMemory)
        assert pid(engine) == before


async def test_the_death_of_a_worker_ends_its_runs_and_the_engine_starts_none_again(open_engine: Open) -> None:
    async with open_engine() as engine:
        blocker = asyncio.create_task(run_to_end(engine, echo(seconds=0.3)))
        await until(lambda: bool(engine.state().workers[0].running))
        shared = [echo(user=f"web:{n}", share="x", fault="die" if n else "none", seconds=9 - 8.9 * n) for n in range(2)]
        runs = [(await updates) for updates in [asyncio.create_task(run_to_end(engine, job)) for job in shared]]
        assert [updates[-1] for updates in runs] == [WorkerDied("cpu", 1)] * 2
        assert [sum(isinstance(each, Started) for each in updates) for updates in runs] == [1, 1]
        assert isinstance((await run_to_end(engine, echo(text="next")))[-1], Done)
        await blocker


async def test_a_run_that_is_not_the_first_shares_no_batch(open_engine: Open) -> None:
    async with open_engine() as engine:
        engine.mode = "paused"
        asked = [asyncio.create_task(run_to_end(engine, echo(user=f"web:{n}", share="x"), n)) for n in (1, 2)]
        await until(lambda: len(engine.device_queue) == 2)
        engine.mode = "open"
        assert ["together" in done((await updates)[-1]).result.facts for updates in asked] == [False, False]


async def test_a_hung_job_times_out_and_its_worker_is_replaced(
    open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.host.supervisor.GRACE_SECONDS", 0.2)
    async with open_engine(timeout=0.3) as engine:
        before = pid(engine)
        last = failed((await run_to_end(engine, echo(fault="hang")))[-1])
        assert isinstance(last.error(), TimedOut)
        assert isinstance((await run_to_end(engine, echo(text="next")))[-1], Done)
        assert pid(engine) != before


async def test_a_job_that_stops_at_its_time_limit_keeps_its_worker(open_engine: Open) -> None:
    async with open_engine(timeout=0.3) as engine:
        before = pid(engine)
        assert failed((await run_to_end(engine, echo(seconds=60)))[-1]).kind == "TimedOut"
        assert isinstance((await run_to_end(engine, echo(text="next")))[-1], Done)
        assert pid(engine) == before


async def test_cancelling_a_running_job_takes_under_a_second_and_keeps_the_worker(open_engine: Open) -> None:
    async with open_engine() as engine:
        before = pid(engine)
        running, waiting = echo(seconds=60), echo(user="web:b", text="still here")
        after = asyncio.create_task(_submit_and_cancel(engine, running, cancel_at=Started))
        other = asyncio.create_task(run_to_end(engine, waiting))
        last, seconds = await after
        assert isinstance(failed(last).error(), Cancelled)
        assert seconds < 1
        assert done((await other)[-1]).result.text == "still here"
        assert pid(engine) == before


async def test_a_cancelled_queued_job_never_runs(open_engine: Open) -> None:
    async with open_engine() as engine:
        blocker = asyncio.create_task(run_to_end(engine, echo(seconds=0.5)))
        await until(lambda: bool(engine.state().workers[0].running))
        last, _ = await _submit_and_cancel(engine, echo(user="web:b"), cancel_at=Queued)
        assert failed(last).kind == "Cancelled"
        assert isinstance((await blocker)[-1], Done)


async def test_closing_the_updates_cancels_the_job(open_engine: Open) -> None:
    async with open_engine() as engine:
        async with aclosing(engine.submit(echo(seconds=60))) as updates:
            async for update in updates:
                if isinstance(update, Started):
                    break
        assert isinstance((await asyncio.wait_for(run_to_end(engine, echo(text="next")), 2))[-1], Done)


async def test_a_newcomer_runs_before_the_jobs_of_a_heavy_user(open_engine: Open) -> None:
    async with open_engine() as engine:
        ended: list[str] = []

        async def run(job: Job) -> None:
            await run_to_end(engine, job)
            ended.append(job.user)

        greedy = [asyncio.create_task(run(echo(user="greedy", seconds=0.1, text=str(n)))) for n in range(5)]
        await until(lambda: bool(engine.state().workers[0].running))
        await run(echo(user="newcomer"))
        await asyncio.gather(*greedy)
        assert ended.index("newcomer") <= 1


async def test_a_worker_with_invalid_settings_says_so(tmp_path: Path) -> None:
    invalid = WorkerSettings(folder=tmp_path).model_copy(update={"memory": -1})
    async with Engine.open(HostSettings(devices=("cpu",), worker=invalid)) as engine:
        with pytest.raises(EngineDied, match="cannot start"):
            await engine.service("echo")
        why = engine.state().workers[0].why
        assert "settings are not valid" in str(why)


async def test_a_device_that_cannot_start_gets_no_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.host.background.BACKOFF_SECONDS", (0.01,))
    async with Engine.open(OneBadDevice(devices=("cpu", "bad"), worker=WorkerSettings(folder=tmp_path))) as engine:
        await until(lambda: engine.device_queue.expected_devices == {"cpu"}, 30)
        await until(lambda: engine.state().workers[0].ready, 30)
        asked = [
            asyncio.create_task(run_to_end(engine, echo(user=f"web:{n}", seconds=1, text=str(n)))) for n in range(2)
        ]
        assert [done((await updates)[-1]).result.text for updates in asked] == ["0", "1"]


async def test_an_error_in_the_scheduler_only_delays_the_job(open_engine: Open) -> None:
    async with open_engine() as engine:
        faults = fail_once("engine.host.scheduler.Schedule.pick")
        assert done((await run_to_end(engine, echo(text="late")))[-1]).result.text == "late"
        assert len(faults) == 1


async def test_an_error_while_recording_a_duration_loses_no_result(open_engine: Open) -> None:
    async with open_engine() as engine:
        engine.durations.on_record = raise_unexpected
        assert done((await run_to_end(engine, echo(text="x")))[-1]).result.text == "x"
        engine.durations.on_record = None
        assert isinstance((await run_to_end(engine, echo(text="next")))[-1], Done)


async def test_positions_are_published_again_after_an_error(open_engine: Open) -> None:
    async with open_engine() as engine:
        engine.mode = "paused"
        ahead = asyncio.create_task(run_to_end(engine, first := echo(user="a")))
        await until(lambda: first.id in engine.device_queue)
        async with aclosing(engine.submit(echo(user="b"))) as behind:
            before = await anext(behind)
            faults = fail_once("engine.host.scheduler.Schedule.forget")
            engine.cancel(first.id)
            after = await asyncio.wait_for(anext(behind), 5)
        assert [each.place for each in (before, after) if isinstance(each, Queued)] == [2, 1]
        assert len(faults) == 1
        assert failed((await ahead)[-1]).kind == "Cancelled"


class OneBadDevice(HostSettings):
    """The device called bad cannot start."""

    def for_worker(self, device: str, tasks: Sequence[str] = ()) -> WorkerSettings:
        settings = super().for_worker(device, tasks)
        return settings.model_copy(update={"memory": -1}) if device == "bad" else settings


async def _submit_and_cancel(
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


async def test_jobs_of_a_batch_run_together_and_end_separately(open_engine: Open) -> None:
    async with open_engine() as engine:
        blocker = asyncio.create_task(run_to_end(engine, echo(seconds=0.3)))
        await until(lambda: bool(engine.state().workers[0].running))
        shared = [echo(user=f"web:{n}", text=str(n), share="x", seconds=0.2 + n / 10) for n in range(3)]
        ends = [(await updates)[-1] for updates in [asyncio.create_task(run_to_end(engine, job)) for job in shared]]
        assert [done(end).result.text for end in ends] == ["0", "1", "2"]
        assert [done(end).result.facts for end in ends] == [{"together": 3}] * 3
        assert isinstance((await blocker)[-1], Done)


async def test_a_batch_records_one_share_of_its_duration(open_engine: Open) -> None:
    recorded: list[float] = []
    async with open_engine() as engine:
        engine.durations.on_record = lambda _, seconds: recorded.append(seconds)
        engine.device_queue.mode = "paused"
        asked = [
            asyncio.create_task(run_to_end(engine, echo(share="x", seconds=0.6, user=f"web:{n}"))) for n in range(3)
        ]
        await until(lambda: len(engine.device_queue) == 3)
        engine.device_queue.mode = "open"
        started = time.monotonic()
        await asyncio.gather(*asked)
        assert len(recorded) == 1
        assert 0.6 / 3 <= recorded[0] <= (time.monotonic() - started) / 3


async def test_cancelling_one_job_of_a_batch_leaves_the_others(open_engine: Open) -> None:
    async with open_engine() as engine:
        blocker = asyncio.create_task(run_to_end(engine, echo(seconds=0.3)))
        await until(lambda: bool(engine.state().workers[0].running))
        others = [
            asyncio.create_task(run_to_end(engine, echo(user=f"web:{n}", share="x", seconds=0.5))) for n in range(2)
        ]
        last, seconds = await _submit_and_cancel(engine, echo(user="web:c", share="x", seconds=60), cancel_at=Started)
        assert failed(last).kind == "Cancelled"
        assert seconds < 1
        assert [done((await updates)[-1]).result.facts for updates in others] == [{"together": 3}] * 2
        await blocker


async def test_cancelling_a_job_of_a_hung_batch_takes_under_a_second(
    open_engine: Open,
) -> None:
    async with open_engine() as engine:
        engine.mode = "paused"
        stuck = asyncio.create_task(run_to_end(engine, hung := echo(share="x", fault="hang")))
        await until(lambda: hung.id in engine.device_queue)
        cancelled = asyncio.create_task(
            _submit_and_cancel(engine, echo(user="web:b", share="x", seconds=9), cancel_at=Started)
        )
        await until(lambda: len(engine.device_queue) == 2)
        engine.mode = "open"
        last, seconds = await cancelled
        assert (failed(last).kind, seconds < 1) == ("Cancelled", True)
        stuck.cancel()


async def test_cancelling_a_hung_job_takes_under_a_second(open_engine: Open) -> None:
    async with open_engine() as engine:
        last, seconds = await _submit_and_cancel(engine, echo(fault="hang"), cancel_at=Started)
        assert (failed(last).kind, seconds < 1) == ("Cancelled", True)


async def test_killing_a_hung_worker_is_logged_and_the_next_job_runs(
    open_engine: Open, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.host.supervisor.HANG_SECONDS", 0.2)
    async with open_engine() as engine:
        before = pid(engine)
        stuck = asyncio.create_task(run_to_end(engine, hung := echo(fault="hang")))
        await until(lambda: bool(engine.state().workers[0].running))
        await asyncio.sleep(HANG_BEGINS_SECONDS)
        assert engine.cancel(hung.id)
        assert failed((await stuck)[-1]).kind == "Cancelled"
        assert done((await run_to_end(engine, echo(text="next")))[-1]).result.text == "next"
        assert is_replaced(engine, before)
    assert "The worker did not stop when its job was cancelled" in capsys.readouterr().out


async def test_a_worker_that_still_sends_updates_is_not_killed_for_a_cancelled_job(
    open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.host.supervisor.HANG_SECONDS", 0.3)
    async with open_engine() as engine:
        before = pid(engine)
        engine.mode = "paused"
        # the first job breaks the batch, so the others run one by one and the last sees its cancel only when it begins
        jobs = [echo(share="x", fault="error"), *(echo(user=f"web:{n}", share="x", seconds=1.5) for n in range(2))]
        asked = []
        for job in jobs:
            asked.append(asyncio.create_task(run_to_end(engine, job)))
            await until(lambda: len(engine.device_queue) == len(asked))
        engine.mode = "open"
        assert isinstance(failed((await asked[0])[-1]).error(), Broken)
        assert engine.cancel(jobs[2].id)
        assert done((await asked[1])[-1]).job == jobs[1].id
        assert failed((await asked[2])[-1]).kind == "Cancelled"
        assert pid(engine) == before


async def test_a_worker_that_hangs_at_its_start_does_not_delay_answers_from_others(tmp_path: Path) -> None:
    async with Engine.open(HostSettings(devices=("cpu", "cpu"), worker=WorkerSettings(folder=tmp_path))) as engine:
        await until(lambda: engine.state().workers[0].pid is not None)
        os.kill(pid(engine), signal.SIGSTOP)
        async with asyncio.timeout(60):
            assert (await engine.service("echo")).backend == "echo"
        assert [worker.ready for worker in engine.state().workers] == [False, True]


async def test_jobs_of_a_failed_batch_run_singly_and_only_the_faulty_one_fails(open_engine: Open) -> None:
    async with open_engine() as engine:
        blocker = asyncio.create_task(run_to_end(engine, echo(seconds=0.3)))
        await until(lambda: bool(engine.state().workers[0].running))
        jobs = [echo(user=f"web:{n}", share="x", fault="error" if n == 1 else "none") for n in range(3)]
        updates_of_each = [await updates for updates in [asyncio.create_task(run_to_end(engine, job)) for job in jobs]]
        assert [isinstance(updates[-1], Done) for updates in updates_of_each] == [True, False, True]
        assert [sum(isinstance(update, Started) for update in updates) for updates in updates_of_each] == [1, 1, 1]
        await blocker


async def test_nothing_starts_while_the_queue_is_paused_and_queued_jobs_are_told(open_engine: Open) -> None:
    async with open_engine() as engine:
        engine.device_queue.mode = "paused"
        async with aclosing(engine.submit(echo(text="late"))) as updates:
            first = await anext(updates)
            assert isinstance(first, Queued)
            assert first.paused
            assert engine.state().mode == "paused"
            engine.device_queue.mode = "open"
            rest = [update async for update in updates]
        assert [type(update) for update in rest][-2:] == [Started, Done]


async def test_a_bumped_job_is_the_next_to_run(open_engine: Open) -> None:
    async with open_engine() as engine:
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


async def test_remaining_time_and_wait_are_estimated_once_similar_runs_are_known(open_engine: Open) -> None:
    async with open_engine() as engine:
        unknown = await run_to_end(engine, echo(seconds=0.1))
        assert {update.seconds_left for update in unknown if isinstance(update, Progress)} == {None}
        for seconds in (2, 2.2, 1.8):
            engine.durations.add(RunClass("echo", "echo", "2 s", "cpu"), seconds)
        known = asyncio.create_task(run_to_end(engine, job := echo(seconds=2, text="known")))
        await until(lambda: engine.state().workers[0].running == (job.id,))
        behind = await run_to_end(engine, echo(user="web:b", text="behind"))
        left = [update.seconds_left for update in await known if isinstance(update, Progress)]
        assert left[0] == pytest.approx(2, abs=0.2)
        assert None not in left[:20]
        assert left[-1] is None
        waits = [update.seconds_left for update in behind if isinstance(update, Queued)]
        assert waits[0] == 5
        assert len(waits) <= 3


async def test_a_queued_job_gets_an_estimate_once_similar_runs_are_known(open_engine: Open) -> None:
    async with open_engine() as engine:
        await engine.service("echo")
        for seconds in (30, 30, 30):
            engine.durations.add(RunClass("echo", "echo", "30 s", "cpu"), seconds)
        jobs = [echo(seconds=30), echo(seconds=8, user="web:b"), echo(seconds=8, user="web:c")]
        asked = [asyncio.create_task(run_to_end(engine, job)) for job in jobs]
        await until(lambda: bool(engine.state().workers[0].running) and engine.state().waiting == 2)
        assert [position.starts for position in engine.device_queue.positions()] == [30, None]
        for seconds in (8, 8, 8):
            engine.durations.add(RunClass("echo", "echo", "8 s", "cpu"), seconds)
        assert [position.starts for position in engine.device_queue.positions()] == [30, 40]
        for task in asked:
            task.cancel()


async def test_a_task_without_a_device_does_not_wait_for_one(open_engine: Open) -> None:
    async with open_engine(cpu_lane=True, models=(("magic", "grammar"),)) as engine:
        service = await engine.service("magic")
        params = Magic(idea="a lighthouse at noon", seed=1).model_dump(mode="json")
        key = key_of("magic", service.version, service.model, params)
        job = Job(command="magic", task="magic", params=params, key=key, user="web:a", origin="")
        async with aclosing(engine.submit(echo(seconds=30))) as slow:
            while not isinstance(await anext(slow), Started):
                continue
            result = done((await run_to_end(engine, job))[-1])
            assert str(result.result.facts["prompt"]).startswith("a lighthouse at noon, ")
            cpu, device = engine.state().workers[1], engine.state().workers[0]
            assert (cpu.device, [service.task for service in cpu.services]) == (CPU_LANE, ["magic"])
            assert device.running


async def test_pausing_the_engine_pauses_the_cpu_lane_too(open_engine: Open) -> None:
    async with open_engine(cpu_lane=True, models=(("magic", "grammar"),)) as engine:
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


def is_replaced(engine: Engine, before: int) -> bool:
    """Return whether a worker other than process `before` is ready."""
    return engine.state().workers[0].ready and pid(engine) != before


async def test_a_worker_whose_models_are_idle_is_replaced(tmp_path: Path) -> None:
    async with small_engine(tmp_path, idle=1.0, models=(("imagine", "pocket"),)) as engine:
        before = pid(engine)
        draw = Params(prompt="a red apple", seed=1).model_dump(mode="json")
        for seed in (1, 2):
            asked = {**draw, "seed": seed}
            job = Job(command="imagine", task="imagine", params=asked, key=str(seed), user="a", origin="")
            done((await run_to_end(engine, job))[-1])
            await until(partial(is_replaced, engine, before), 60)
            before = pid(engine)
