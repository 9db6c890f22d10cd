"""How often the parameters of a job are parsed, in the bot with a real worker and in a worker of this process."""

import os
import signal
from collections import Counter
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from bot.app import AppContext
from bot.config.settings import Settings
from bot.core.command import Request
from bot.requests.call import JobCall, command
from bot.requests.service import Service
from engine.core.job import Done, Failed, Job, Started
from engine.core.protocol import Batch, Run
from engine.core.settings import WorkerSettings
from engine.tasks.echo import TASK
from engine.tasks.echo import Params as Echo
from engine.worker.loop import Worker
from storage.files import Files
from storage.store import Store
from tests.fakes import done, small_engine
from tests.fakes import echo as echo_job


@command("Say it back")
async def echo(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often parameters of the echo task are parsed, by their text."""
    counts, parse = Counter[str](), Echo.model_validate

    def count(raw: dict[str, Any]) -> Echo:
        counts[raw["text"]] += 1
        return parse(raw)

    monkeypatch.setattr(Echo, "model_validate", count)
    return counts


async def test_the_bot_parses_the_parameters_once_even_if_the_job_runs_twice(
    tmp_path: Path, parsed: Counter[str]
) -> None:
    async with Store.open(":memory:") as store, small_engine(tmp_path) as engine:
        files = Files(tmp_path / "media", max_bytes=1000, max_pixels=10_000)
        service, runs = Service(AppContext(Settings(), store, files, engine, (echo,))), 0
        asked = Request("echo", {"text": "twice", "seconds": 0.5}, "web:a", "here")
        async with aclosing(service.handle(asked)) as updates:
            async for update in updates:
                if isinstance(update, Started):
                    runs += 1
                    if runs == 1:
                        os.kill(engine.state().workers[0].pid or 0, signal.SIGKILL)
        assert done(update).result.text == "twice"
        assert (runs, parsed) == (2, {"twice": 1})
        await store.admit(left := echo_job(text="left"))
        async with aclosing(service.resume(left)) as resumed:
            assert isinstance([update async for update in resumed][-1], Done)
        assert parsed == {"twice": 1, "left": 1}


@pytest.mark.parametrize(("faults", "ends"), [(("none", "none"), (Done, Done)), (("none", "error"), (Done, Failed))])
def test_a_worker_parses_the_parameters_once_even_if_a_batch_fails(
    faults: tuple[str, str], ends: tuple[type, type], tmp_path: Path, parsed: Counter[str]
) -> None:
    worker = Worker({"echo": TASK}, WorkerSettings(folder=tmp_path), lambda _: None, "cpu")
    batch = Batch(
        runs=tuple(
            Run(job=fault + str(number), task="echo", params={"text": str(number), "share": "x", "fault": fault})
            for number, fault in reversed([*enumerate(faults)])
        )
    )
    answers = {answer.job: answer for answer in worker._run_jobs(batch)}
    assert tuple(type(answers[fault + str(number)]) for number, fault in enumerate(faults)) == ends
    assert parsed == {"0": 1, "1": 1}


async def test_a_job_with_other_parameters_is_parsed_again(parsed: Counter[str]) -> None:
    job = echo_job(text="before")
    assert job.parsed_params(Echo) is job.model_copy(update={"user": "web:b"}).parsed_params(Echo)
    other = job.model_copy(update={"params": {**job.params, "text": "after"}})
    assert other.parsed_params(Echo).text == "after"
    assert job.parsed_params(Echo).text == "before"
    assert job == Job.model_validate_json(job.model_dump_json())
    assert parsed["after"] == 1
