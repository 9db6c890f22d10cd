"""The engine with a real worker process: crash, hang, cancel, memory, order."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from engine.core.errors import Broken, Cancelled, EngineDied, OutOfMemory, TimedOut
from engine.core.job import Done, Job, Progress, Queued, Started, Update, key_of
from engine.host.durations import RunClass
from engine.host.engine import CPU_LANE, Engine, HostSettings
from engine.tasks.imagine.params import Params
from engine.tasks.magic.params import Params as Magic
from tests.fakes import Open, done, echo, failed, small_engine, until

HANGS = 0.3
"""Seconds after which a job that hangs does so for sure, and heeds no cancel any more."""


@pytest.fixture
def open_engine(tmp_path: Path) -> Open:
    return partial(small_engine, tmp_path)


async def told(engine: Engine, job: Job) -> list[Update]:
    async with aclosing(engine.submit(job)) as updates:
        return [update async for update in updates]


def pid(engine: Engine) -> int:
    found = engine.state().workers[0].pid
    assert found is not None
    return found


async def test_an_echo_comes_back_through_a_real_process(open_engine: Open) -> None:
    async with open_engine() as engine:
        updates = await told(engine, job := echo(text="hello"))
        assert [type(update) for update in updates] == [Queued, Started, Done]
        assert {update.job for update in updates} == {job.id}
        assert done(updates[-1]).result.text == "hello"
        assert pid(engine) != os.getpid()


async def test_a_task_that_fails_leaves_the_worker_alive_and_shows_no_traceback(open_engine: Open) -> None:
    async with open_engine() as engine:
        before = pid(engine)
        last = failed((await told(engine, echo(fault="error")))[-1])
        assert last.kind == "Broken"
        assert "asked for" not in str(last.sentence)
        assert isinstance((await told(engine, echo(text="next")))[-1], Done)
        assert pid(engine) == before


async def test_out_of_memory_is_told_as_such_and_the_worker_lives(open_engine: Open) -> None:
    async with open_engine() as engine:
        before = pid(engine)
        last = failed((await told(engine, echo(fault="memory")))[-1])
        assert isinstance(last.error(), OutOfMemory)
        assert pid(engine) == before


async def test_a_job_whose_worker_is_killed_runs_again_and_the_person_is_served(open_engine: Open) -> None:
    async with open_engine() as engine, aclosing(engine.submit(echo(text="served", seconds=0.5))) as updates:
        seen = []
        async for update in updates:
            seen.append(update)
            if isinstance(update, Progress) and len([u for u in seen if isinstance(u, Started)]) == 1:
                os.kill(pid(engine), signal.SIGKILL)
        assert len([update for update in seen if isinstance(update, Started)]) == 2
        assert isinstance(seen[-1], Done)


async def test_a_job_that_kills_its_worker_twice_is_given_up_and_those_behind_it_survive(open_engine: Open) -> None:
    async with open_engine() as engine:
        deadly = asyncio.create_task(told(engine, echo(fault="die")))
        behind = [asyncio.create_task(told(engine, echo(user=f"web:{n}", text=str(n)))) for n in range(3)]
        last = failed((await deadly)[-1])
        assert isinstance(last.error(), EngineDied)
        assert [done((await updates)[-1]).result.text for updates in behind] == ["0", "1", "2"]


async def test_an_overdue_job_is_told_and_its_hung_worker_replaced(
    open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.host.supervisor.GRACE_SECONDS", 0.2)
    async with open_engine(timeout=0.3) as engine:
        before = pid(engine)
        last = failed((await told(engine, echo(fault="hang")))[-1])
        assert isinstance(last.error(), TimedOut)
        assert isinstance((await told(engine, echo(text="next")))[-1], Done)
        assert pid(engine) != before


async def test_an_overdue_job_that_heeds_its_cancel_keeps_its_worker(open_engine: Open) -> None:
    async with open_engine(timeout=0.3) as engine:
        before = pid(engine)
        assert failed((await told(engine, echo(seconds=60)))[-1]).kind == "TimedOut"
        assert isinstance((await told(engine, echo(text="next")))[-1], Done)
        assert pid(engine) == before


async def test_cancel_ends_exactly_the_running_job_within_a_second_and_leaves_the_worker(open_engine: Open) -> None:
    async with open_engine() as engine:
        before = pid(engine)
        running, waiting = echo(seconds=60), echo(user="web:b", text="still here")
        after = asyncio.create_task(_drain(engine, running, cancel_at=Started))
        other = asyncio.create_task(told(engine, waiting))
        last, seconds = await after
        assert isinstance(failed(last).error(), Cancelled)
        assert seconds < 1
        assert done((await other)[-1]).result.text == "still here"
        assert pid(engine) == before


async def test_cancel_ends_a_waiting_job_that_then_never_runs(open_engine: Open) -> None:
    async with open_engine() as engine:
        blocker = asyncio.create_task(told(engine, echo(seconds=0.5)))
        await until(lambda: bool(engine.state().workers[0].running))
        last, _ = await _drain(engine, echo(user="web:b"), cancel_at=Queued)
        assert failed(last).kind == "Cancelled"
        assert isinstance((await blocker)[-1], Done)


async def test_closing_the_updates_cancels_the_job(open_engine: Open) -> None:
    async with open_engine() as engine:
        async with aclosing(engine.submit(echo(seconds=60))) as updates:
            async for update in updates:
                if isinstance(update, Started):
                    break
        assert isinstance((await asyncio.wait_for(told(engine, echo(text="next")), 2))[-1], Done)


async def test_a_greedy_person_waits_behind_a_newcomer(open_engine: Open) -> None:
    async with open_engine() as engine:
        ended: list[str] = []

        async def run(job: Job) -> None:
            await told(engine, job)
            ended.append(job.user)

        greedy = [asyncio.create_task(run(echo(user="greedy", seconds=0.1, text=str(n)))) for n in range(5)]
        await until(lambda: bool(engine.state().workers[0].running))
        await run(echo(user="newcomer"))
        await asyncio.gather(*greedy)
        assert ended.index("newcomer") <= 1


async def test_a_worker_that_cannot_start_is_told_to_whoever_asks(tmp_path: Path) -> None:
    async with Engine.open(HostSettings(devices=("cpu",), folder=tmp_path, memory=-0.5)) as engine:  # type: ignore[arg-type]
        with pytest.raises(EngineDied, match="cannot start"):
            await engine.service("echo")
        why = engine.state().workers[0].why
        assert why is not None
        assert "code 2" in str(why)


async def test_a_device_that_cannot_start_takes_nothing_from_those_that_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.host.background.BACKOFF_SECONDS", (0.01,))
    async with Engine.open(OneBad(devices=("cpu", "bad"), folder=tmp_path)) as engine:
        await until(lambda: engine.line.expected_devices == {"cpu"}, 30)
        await until(lambda: engine.state().workers[0].ready, 30)
        asked = [asyncio.create_task(told(engine, echo(user=f"web:{n}", seconds=1, text=str(n)))) for n in range(2)]
        assert [done((await updates)[-1]).result.text for updates in asked] == ["0", "1"]


async def test_a_fault_of_the_keepers_own_is_logged_and_the_job_and_those_behind_it_are_served(
    open_engine: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_engine() as engine:
        before = pid(engine)
        faults = failing_once("engine.host.job_handle.seconds_left")
        first, behind = echo(text="first", seconds=0.2), echo(user="web:b", text="behind")
        ends = [(await each)[-1] for each in [asyncio.create_task(told(engine, job)) for job in (first, behind)]]
        assert [done(end).result.text for end in ends] == ["first", "behind"]
        assert (len(faults), fresh(engine, before)) == (1, True)
    said = capsys.readouterr().out
    assert "worker given up by a fault of ours" in said
    assert "RuntimeError: that nobody foresaw" in said


async def test_a_job_that_brings_its_keeper_to_a_fault_twice_fails_and_the_line_moves_on(
    open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_engine() as engine:
        monkeypatch.setattr("engine.host.job_handle.seconds_left", unforeseen)
        asked = [asyncio.create_task(told(engine, echo(seconds=each))) for each in (0.2, 0)]
        assert isinstance(failed((await asked[0])[-1]).error(), EngineDied)
        assert isinstance((await asked[1])[-1], Done)


async def test_a_line_that_cannot_be_taken_from_for_once_is_taken_from_later(open_engine: Open) -> None:
    async with open_engine() as engine:
        faults = failing_once("engine.host.scheduler.Schedule.pick")
        assert done((await told(engine, echo(text="late")))[-1]).result.text == "late"
        assert len(faults) == 1


async def test_what_a_run_took_may_fail_to_be_learnt_without_its_answer_being_lost(open_engine: Open) -> None:
    async with open_engine() as engine:
        engine.times.learnt = unforeseen
        assert done((await told(engine, echo(text="made")))[-1]).result.text == "made"
        engine.times.learnt = None
        assert isinstance((await told(engine, echo(text="next")))[-1], Done)


async def test_places_are_told_again_after_a_fault_in_telling_them(open_engine: Open) -> None:
    async with open_engine() as engine:
        engine.mode = "paused"
        ahead = asyncio.create_task(told(engine, first := echo(user="a")))
        await until(lambda: first.id in engine.line)
        async with aclosing(engine.submit(echo(user="b"))) as behind:
            before = await anext(behind)
            faults = failing_once("engine.host.scheduler.Schedule.forget")
            engine.cancel(first.id)
            after = await asyncio.wait_for(anext(behind), 5)
        assert [each.place for each in (before, after) if isinstance(each, Queued)] == [2, 1]
        assert len(faults) == 1
        assert failed((await ahead)[-1]).kind == "Cancelled"


class OneBad(HostSettings):
    """The device called bad cannot start."""

    def arguments(self, device: str, tasks: Sequence[str] = ()) -> list[str]:
        return ["--no-such-option"] if device == "bad" else super().arguments(device, tasks)


def unforeseen(*_: object) -> NoReturn:
    raise RuntimeError("that nobody foresaw")


def failing_once(name: str) -> list[str]:
    """What is called `name` raises at its next call, which goes to the list, and is itself again."""
    faults: list[str] = []

    def fail(*_: object) -> NoReturn:
        faults.append(name)
        patch.undo()
        unforeseen()

    patch = pytest.MonkeyPatch()
    patch.setattr(name, fail)
    return faults


async def _drain(engine: Engine, job: Job, cancel_at: type[Queued] | type[Started]) -> tuple[Update, float]:
    begun, last = 0.0, None
    async with aclosing(engine.submit(job)) as updates:
        async for update in updates:
            last = update
            if isinstance(update, cancel_at) and not begun:
                begun = time.monotonic()
                assert engine.cancel(job.id)
    assert last is not None
    return last, time.monotonic() - begun


async def test_jobs_that_share_a_batch_run_together_and_each_ends_by_itself(open_engine: Open) -> None:
    async with open_engine() as engine:
        blocker = asyncio.create_task(told(engine, echo(seconds=0.3)))
        await until(lambda: bool(engine.state().workers[0].running))
        shared = [echo(user=f"web:{n}", text=str(n), share="x", seconds=0.2 + n / 10) for n in range(3)]
        ends = [(await updates)[-1] for updates in [asyncio.create_task(told(engine, job)) for job in shared]]
        assert [done(end).result.text for end in ends] == ["0", "1", "2"]
        assert [done(end).result.facts for end in ends] == [{"together": 3}] * 3
        assert isinstance((await blocker)[-1], Done)


async def test_a_shared_run_teaches_one_share_of_its_time(open_engine: Open) -> None:
    learnt: list[float] = []
    async with open_engine() as engine:
        engine.times.learnt = lambda _, seconds: learnt.append(seconds)
        engine.line.mode = "paused"
        asked = [asyncio.create_task(told(engine, echo(share="x", seconds=0.6, user=f"web:{n}"))) for n in range(3)]
        await until(lambda: len(engine.line) == 3)
        engine.line.mode = "open"
        begun = time.monotonic()
        await asyncio.gather(*asked)
        assert len(learnt) == 1
        assert 0.6 / 3 <= learnt[0] <= (time.monotonic() - begun) / 3


async def test_cancelling_one_job_of_a_batch_leaves_the_others(open_engine: Open) -> None:
    async with open_engine() as engine:
        blocker = asyncio.create_task(told(engine, echo(seconds=0.3)))
        await until(lambda: bool(engine.state().workers[0].running))
        others = [asyncio.create_task(told(engine, echo(user=f"web:{n}", share="x", seconds=0.5))) for n in range(2)]
        last, seconds = await _drain(engine, echo(user="web:c", share="x", seconds=60), cancel_at=Started)
        assert failed(last).kind == "Cancelled"
        assert seconds < 1
        assert [done((await updates)[-1]).result.facts for updates in others] == [{"together": 3}] * 2
        await blocker


async def test_who_cancels_a_job_of_a_batch_that_does_not_stop_for_it_is_told_within_a_second(
    open_engine: Open,
) -> None:
    async with open_engine() as engine:
        engine.mode = "paused"
        stuck = asyncio.create_task(told(engine, hung := echo(share="x", fault="hang")))
        await until(lambda: hung.id in engine.line)
        cancelled = asyncio.create_task(_drain(engine, echo(user="web:b", share="x", seconds=9), cancel_at=Started))
        await until(lambda: len(engine.line) == 2)
        engine.mode = "open"
        last, seconds = await cancelled
        assert (failed(last).kind, seconds < 1) == ("Cancelled", True)
        stuck.cancel()


async def test_who_cancels_is_told_within_a_second_though_the_worker_does_not_heed_it(open_engine: Open) -> None:
    async with open_engine() as engine:
        last, seconds = await _drain(engine, echo(fault="hang"), cancel_at=Started)
        assert (failed(last).kind, seconds < 1) == ("Cancelled", True)


async def test_a_worker_that_hangs_in_a_cancelled_job_is_ended_and_who_shared_the_run_is_served(
    open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.host.supervisor.HANG_SECONDS", 0.4)
    async with open_engine() as engine:
        before = pid(engine)
        engine.mode = "paused"
        stuck = asyncio.create_task(told(engine, hung := echo(share="x", fault="hang")))
        await until(lambda: len(engine.line) == 1)
        shared = asyncio.create_task(told(engine, echo(user="web:b", share="x", seconds=0.5, text="shared")))
        await until(lambda: len(engine.line) == 2)
        engine.mode = "open"
        await until(lambda: len(engine.state().workers[0].running) == 2)
        await asyncio.sleep(HANGS)
        assert engine.cancel(hung.id)
        assert failed((await stuck)[-1]).kind == "Cancelled"
        updates = await asyncio.wait_for(shared, 30)
        assert done(updates[-1]).result.text == "shared"
        assert len([update for update in updates if isinstance(update, Started)]) == 2
        assert fresh(engine, before)


async def test_a_hung_worker_that_was_ended_says_so_and_the_next_job_is_served(
    open_engine: Open, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.host.supervisor.HANG_SECONDS", 0.2)
    async with open_engine() as engine:
        before = pid(engine)
        stuck = asyncio.create_task(told(engine, hung := echo(fault="hang")))
        await until(lambda: bool(engine.state().workers[0].running))
        await asyncio.sleep(HANGS)
        assert engine.cancel(hung.id)
        assert failed((await stuck)[-1]).kind == "Cancelled"
        assert done((await told(engine, echo(text="next")))[-1]).result.text == "next"
        assert fresh(engine, before)
    assert "The worker did not stop when its job was ended" in capsys.readouterr().out


async def test_a_worker_that_is_heard_to_work_for_others_is_not_ended_for_a_job_cancelled_beside_them(
    open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.host.supervisor.HANG_SECONDS", 0.3)
    async with open_engine() as engine:
        before = pid(engine)
        engine.mode = "paused"
        # the batch fails by the first, so that the others run one by one and the last heeds its cancel in its turn
        jobs = [echo(share="x", fault="error"), *(echo(user=f"web:{n}", share="x", seconds=1.5) for n in range(2))]
        asked = []
        for job in jobs:
            asked.append(asyncio.create_task(told(engine, job)))
            await until(lambda: len(engine.line) == len(asked))
        engine.mode = "open"
        assert isinstance(failed((await asked[0])[-1]).error(), Broken)
        assert engine.cancel(jobs[2].id)
        assert done((await asked[1])[-1]).job == jobs[1].id
        assert failed((await asked[2])[-1]).kind == "Cancelled"
        assert pid(engine) == before


async def test_who_asks_waits_for_no_worker_that_hangs_at_its_start(tmp_path: Path) -> None:
    async with Engine.open(HostSettings(devices=("cpu", "cpu"), folder=tmp_path)) as engine:
        await until(lambda: engine.state().workers[0].pid is not None)
        os.kill(pid(engine), signal.SIGSTOP)
        async with asyncio.timeout(60):
            assert (await engine.service("echo")).backend == "echo"
        assert [worker.ready for worker in engine.state().workers] == [False, True]


async def test_a_batch_that_fails_is_run_again_one_by_one_and_only_the_guilty_job_fails(open_engine: Open) -> None:
    async with open_engine() as engine:
        blocker = asyncio.create_task(told(engine, echo(seconds=0.3)))
        await until(lambda: bool(engine.state().workers[0].running))
        jobs = [echo(user=f"web:{n}", share="x", fault="error" if n == 1 else "none") for n in range(3)]
        told_each = [await updates for updates in [asyncio.create_task(told(engine, job)) for job in jobs]]
        assert [isinstance(updates[-1], Done) for updates in told_each] == [True, False, True]
        assert [sum(isinstance(update, Started) for update in updates) for updates in told_each] == [1, 1, 1]
        await blocker


async def test_what_a_batch_killed_its_worker_with_runs_alone_and_the_others_are_served(open_engine: Open) -> None:
    async with open_engine() as engine:
        blocker = asyncio.create_task(told(engine, echo(seconds=0.3)))
        await until(lambda: bool(engine.state().workers[0].running))
        jobs = [echo(user=f"web:{n}", share="x", fault="die" if n == 1 else "none", seconds=0.1) for n in range(3)]
        ends = [(await updates)[-1] for updates in [asyncio.create_task(told(engine, job)) for job in jobs]]
        assert isinstance(failed(ends[1]).error(), EngineDied)
        assert [isinstance(end, Done) for end in ends] == [True, False, True]
        await blocker


async def test_nothing_starts_while_the_line_is_paused_and_those_who_wait_are_told(open_engine: Open) -> None:
    async with open_engine() as engine:
        engine.line.mode = "paused"
        async with aclosing(engine.submit(echo(text="late"))) as updates:
            first = await anext(updates)
            assert isinstance(first, Queued)
            assert first.paused
            assert engine.state().mode == "paused"
            engine.line.mode = "open"
            rest = [update async for update in updates]
        assert [type(update) for update in rest][-2:] == [Started, Done]


async def test_a_bumped_job_is_the_next_to_run(open_engine: Open) -> None:
    async with open_engine() as engine:
        engine.line.mode = "paused"
        jobs = [echo(user=f"web:{n}") for n in range(3)]
        ended: list[str] = []

        async def run(job: Job) -> None:
            ended.append((await told(engine, job))[-1].job)

        running = [asyncio.create_task(run(job)) for job in jobs]
        await until(lambda: len(engine.line) == 3)
        assert engine.line.bump(jobs[2].id)
        assert next(engine.line.positions()).job == jobs[2].id
        engine.line.mode = "open"
        await asyncio.gather(*running)
        assert ended[0] == jobs[2].id


async def test_seconds_left_and_the_wait_are_told_once_runs_of_that_kind_are_known(open_engine: Open) -> None:
    async with open_engine() as engine:
        unknown = await told(engine, echo(seconds=0.1))
        assert {update.seconds_left for update in unknown if isinstance(update, Progress)} == {None}
        for seconds in (2, 2.2, 1.8):
            engine.times.remember(RunClass("echo", "echo", "2 s", "cpu"), seconds)
        known = asyncio.create_task(told(engine, job := echo(seconds=2, text="known")))
        await until(lambda: engine.state().workers[0].running == (job.id,))
        behind = await told(engine, echo(user="web:b", text="behind"))
        left = [update.seconds_left for update in await known if isinstance(update, Progress)]
        assert left[0] == pytest.approx(2, abs=0.2)
        assert None not in left[:20]
        assert left[-1] is None
        waits = [update.seconds_left for update in behind if isinstance(update, Queued)]
        assert waits[0] == 5
        assert len(waits) <= 3


async def test_who_joined_before_a_kind_was_known_hears_the_wait_once_it_is(open_engine: Open) -> None:
    async with open_engine() as engine:
        await engine.service("echo")
        for seconds in (30, 30, 30):
            engine.times.remember(RunClass("echo", "echo", "30 s", "cpu"), seconds)
        jobs = [echo(seconds=30), echo(seconds=8, user="web:b"), echo(seconds=8, user="web:c")]
        asked = [asyncio.create_task(told(engine, job)) for job in jobs]
        await until(lambda: bool(engine.state().workers[0].running) and engine.state().waiting == 2)
        assert [standing.starts for standing in engine.line.positions()] == [30, None]
        for seconds in (8, 8, 8):
            engine.times.remember(RunClass("echo", "echo", "8 s", "cpu"), seconds)
        assert [standing.starts for standing in engine.line.positions()] == [30, 40]
        for task in asked:
            task.cancel()


async def test_a_task_that_needs_no_device_waits_behind_nothing_on_one(open_engine: Open) -> None:
    async with open_engine(beside=True, models=(("magic", "grammar"),)) as engine:
        service = await engine.service("magic")
        params = Magic(idea="a lighthouse at noon", seed=1).model_dump(mode="json")
        key = key_of("magic", service.version, service.model, params)
        job = Job(command="magic", task="magic", params=params, key=key, user="web:a", origin="")
        async with aclosing(engine.submit(echo(seconds=30))) as slow:
            while not isinstance(await anext(slow), Started):
                continue
            written = done((await told(engine, job))[-1])
            assert str(written.result.facts["prompt"]).startswith("a lighthouse at noon, ")
            beside, device = engine.state().workers[1], engine.state().workers[0]
            assert (beside.device, [each.task for each in beside.services]) == (CPU_LANE, ["magic"])
            assert device.running


async def test_a_held_queue_holds_what_runs_beside_too(open_engine: Open) -> None:
    async with open_engine(beside=True, models=(("magic", "grammar"),)) as engine:
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


def fresh(engine: Engine, before: int) -> bool:
    return engine.state().workers[0].ready and pid(engine) != before


async def test_a_worker_whose_models_are_long_unused_gives_way_to_a_fresh_one(tmp_path: Path) -> None:
    async with small_engine(tmp_path, idle=1.0, models=(("imagine", "pocket"),)) as engine:
        before = pid(engine)
        draw = Params(prompt="a red apple", seed=1).model_dump(mode="json")
        for seed in (1, 2):
            asked = {**draw, "seed": seed}
            job = Job(command="imagine", task="imagine", params=asked, key=str(seed), user="a", origin="")
            done((await told(engine, job))[-1])
            await until(partial(fresh, engine, before), 60)
            before = pid(engine)
