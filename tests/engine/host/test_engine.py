"""The engine with a real worker process: what a job, a fault or an idle time does to the worker."""

import asyncio
import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from engine.core.errors import EngineDied, OutOfMemory, TimedOut
from engine.core.job import Done, Job, Queued, Started
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from engine.host.job_handle import WorkerDied
from engine.tasks.imagine.params import Params
from tests.engine.host.engine_harness import (
    is_replaced,
    pid,
    queue_together,
    run_to_end,
)
from tests.fakes import done, echo, failed, small_engine, until
from tests.timing import HANG_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")


class OneBadDevice(HostSettings):
    """The device called bad cannot start."""

    def for_worker(self, device: str, tasks: Sequence[str] = ()) -> WorkerSettings:
        settings = super().for_worker(device, tasks)
        return settings.model_copy(update={"memory": -1}) if device == "bad" else settings


async def test_an_echo_job_runs_in_another_process(engine: Engine) -> None:
    updates = await run_to_end(engine, job := echo(text="hello"))
    assert [type(update) for update in updates] == [Queued, Started, Done]
    assert {update.job for update in updates if not isinstance(update, WorkerDied)} == {job.id}
    assert done(updates[-1]).result.text == "hello"
    assert pid(engine) != os.getpid()


async def test_a_failing_task_keeps_the_worker_and_shows_no_traceback(engine: Engine) -> None:
    before = pid(engine)
    last = failed((await run_to_end(engine, echo(fault="error")))[-1])
    assert last.kind == "Broken"
    assert "asked for" not in str(last.sentence)
    assert isinstance((await run_to_end(engine, echo(text="next")))[-1], Done)
    assert pid(engine) == before


async def test_out_of_memory_is_reported_and_keeps_the_worker(engine: Engine) -> None:
    before = pid(engine)
    last = failed((await run_to_end(engine, echo(fault="memory")))[-1])
    assert isinstance(last.error(), OutOfMemory)
    assert pid(engine) == before


async def test_the_death_of_a_worker_ends_its_runs_and_the_engine_starts_none_again(engine: Engine) -> None:
    shared = [echo(user=f"web:{n}", share="x", fault="die" if n else "none", seconds=9 - 8.9 * n) for n in range(2)]
    runs = [await updates for updates in await queue_together(engine, *shared)]
    assert [updates[-1] for updates in runs] == [WorkerDied("cpu", 1)] * 2
    assert [sum(isinstance(each, Started) for each in updates) for updates in runs] == [1, 1]
    assert isinstance((await run_to_end(engine, echo(text="next")))[-1], Done)


async def test_a_run_that_is_not_the_first_shares_no_batch(engine: Engine) -> None:
    engine.mode = "paused"
    asked = [asyncio.create_task(run_to_end(engine, echo(user=f"web:{n}", share="x"), attempt=n)) for n in (1, 2)]
    await until(lambda: len(engine.device_queue) == 2)
    engine.mode = "open"
    assert ["together" in done((await updates)[-1]).result.facts for updates in asked] == [False, False]


async def test_a_hung_job_times_out_and_its_worker_is_replaced(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.host.supervisor.GRACE_SECONDS", 0.2)
    monkeypatch.setattr(engine._supervisors[0], "_timeout", 1.0)
    before = pid(engine)
    last = failed((await run_to_end(engine, echo(fault="hang")))[-1])
    assert isinstance(last.error(), TimedOut)
    monkeypatch.undo()
    assert isinstance((await run_to_end(engine, echo(text="next")))[-1], Done)
    assert pid(engine) != before


async def test_a_job_that_stops_at_its_time_limit_keeps_its_worker(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.host.supervisor.GRACE_SECONDS", HANG_SECONDS)
    monkeypatch.setattr(engine._supervisors[0], "_timeout", 0.3)
    before = pid(engine)
    assert failed((await run_to_end(engine, echo(seconds=600)))[-1]).kind == "TimedOut"
    monkeypatch.undo()
    assert isinstance((await run_to_end(engine, echo(text="next")))[-1], Done)
    assert pid(engine) == before


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
        await until(lambda: engine.device_queue.expected_devices == {"cpu"})
        await until(lambda: engine.state().workers[0].ready)
        asked = [
            asyncio.create_task(run_to_end(engine, echo(user=f"web:{n}", seconds=1, text=str(n)))) for n in range(2)
        ]
        assert [done((await updates)[-1]).result.text for updates in asked] == ["0", "1"]


async def test_a_worker_that_hangs_at_its_start_does_not_delay_answers_from_others(tmp_path: Path) -> None:
    async with Engine.open(HostSettings(devices=("cpu", "cpu"), worker=WorkerSettings(folder=tmp_path))) as engine:
        await until(lambda: engine.state().workers[0].pid is not None)
        os.kill(pid(engine), signal.SIGSTOP)
        assert (await engine.service("echo")).backend == "echo"
        assert [worker.ready for worker in engine.state().workers] == [False, True]


async def test_a_worker_whose_models_are_idle_is_replaced(tmp_path: Path) -> None:
    async with small_engine(tmp_path, idle=1.0, models=(("imagine", "pocket"),)) as engine:
        before = pid(engine)
        draw = Params(prompt="a red apple", seed=1).model_dump(mode="json")
        for seed in (1, 2):
            asked = {**draw, "seed": seed}
            job = Job(command="imagine", task="imagine", params=asked, key=str(seed), user="a", origin="")
            done((await run_to_end(engine, job))[-1])
            await until(partial(is_replaced, engine, before))
            before = pid(engine)
