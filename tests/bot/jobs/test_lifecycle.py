"""How a process resumes the jobs that an earlier one left unfinished, with the real store and a real worker."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from pathlib import Path

import pytest
import pytest_asyncio

from bot.app import AppContext
from bot.commands.cancel import cancel
from bot.config.settings import Settings
from bot.core.command import Request
from bot.requests.call import JobCall, command
from bot.requests.service import Service
from engine.core.errors import Broken
from engine.core.job import Done, Failed, Job, Result, Started, Update
from engine.host.engine import Engine
from engine.tasks.echo import Params as Echo
from storage.files import Files
from storage.store import JobRecord, Store
from tests.fakes import done, echo, failed, left_idle, small_engine

pytestmark = pytest.mark.asyncio(loop_scope="module")


@command("Say it back")
async def repeat(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    async with small_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def service(engine: Engine, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings().model_copy(update={"limits": {}})
    async with Store.open(tmp_path / "atelier.db") as store, left_idle(engine):
        files = Files(tmp_path / "media", max_bytes=1000, max_pixels=10_000)
        yield Service(AppContext(settings, store, files, engine, (repeat, cancel)))


async def store_unfinished_job(service: Service, job: Job, attempts: int = 0) -> JobRecord:
    """Store a job as an earlier process left it: queued, or running in its attempt number `attempts`."""
    await service.studio.store.admit(job)
    for attempt in range(attempts):
        if attempt:
            await service.studio.store.requeue(job.id)
        await service.studio.store.start(job.id, "cpu")
    (unfinished,) = await service.unfinished_jobs(job.user.partition(":")[0])
    assert unfinished == job
    return await row_of(service, job)


async def resume_job(service: Service, job: Job) -> list[Update]:
    async with aclosing(service.resume(job)) as updates:
        return [update async for update in updates]


async def row_of(service: Service, job: Job) -> JobRecord:
    row = await service.studio.store.job(job.id)
    assert row is not None
    return row


@pytest.mark.parametrize("attempts", [0, 1], ids=["queued", "running"])
async def test_an_unfinished_job_runs_and_is_delivered_once(service: Service, attempts: int) -> None:
    job = echo(text="left")
    row = await store_unfinished_job(service, job, attempts)
    assert done((await resume_job(service, row.job))[-1]).result.text == "left"
    delivered = await row_of(service, job)
    assert (delivered.state, delivered.attempt) == ("done", attempts + 1)
    assert await resume_job(service, row.job) == []


async def test_a_job_that_crashed_twice_fails_with_a_message(service: Service) -> None:
    job = echo(text="poison")
    (update,) = await resume_job(service, (await store_unfinished_job(service, job, attempts=2)).job)
    assert "died twice" in str(failed(update).sentence)
    assert (await row_of(service, job)).state == "failed"


async def test_a_job_that_crashed_once_may_crash_a_worker_once_more(service: Service) -> None:
    job = echo(text="deadly", fault="die")
    updates = await resume_job(service, (await store_unfinished_job(service, job, attempts=1)).job)
    assert sum(isinstance(update, Started) for update in updates) == 1
    assert "died twice" in str(failed(updates[-1]).sentence)
    assert (await row_of(service, job)).attempt == 2


async def test_an_old_job_with_options_that_are_refused_now_fails_with_that_option(service: Service) -> None:
    asked = {"prompt": "a fox", "negative": "snow", "guidance": 0.5}
    job = Job(command="imagine", task="imagine", params=asked, key="before", user="web:a", origin="")
    (update,) = await resume_job(service, (await store_unfinished_job(service, job)).job)
    assert str(failed(update).sentence).startswith("negative has no effect when guidance is 0.5")
    assert (await row_of(service, job)).state == "failed"


async def test_an_undelivered_result_is_delivered_without_a_run(service: Service) -> None:
    succeeded, broke = echo(text="made"), echo(text="broke", user="web:b")
    for job in (succeeded, broke):
        await service.studio.store.admit(job)
        await service.studio.store.start(job.id, "cpu")
    await service.studio.store.finish(succeeded.id, Result(text="made"), 1)
    await service.studio.store.fail(broke.id, Failed.of(Broken("It broke."), broke.id))
    ends = [await resume_job(service, each) for each in await service.unfinished_jobs("web")]
    assert ends == [[Done(job=succeeded.id, result=Result(text="made"))], [Failed.of(Broken("It broke."), broke.id)]]
    assert [(await row_of(service, job)).state for job in (succeeded, broke)] == ["done", "failed"]


async def test_a_result_that_was_not_shown_stays_undelivered(service: Service) -> None:
    asked = Request("repeat", {"text": "unseen"}, "web:a", "here")
    async with aclosing(service.handle(asked)) as updates:
        job = ""
        async for update in updates:
            if isinstance(update, Done):
                job = update.job
                break
    row = await row_of(service, *await service.unfinished_jobs("web"))
    assert (row.job.id, row.state) == (job, "delivering")
    assert isinstance((await resume_job(service, row.job))[-1], Done)


async def test_jobs_of_another_platform_stay_as_they_are(service: Service) -> None:
    job = echo(user="discord:7")
    await store_unfinished_job(service, job)
    assert await service.unfinished_jobs("telegram") == []
    assert (await row_of(service, job)).state == "queued"


async def test_a_job_that_no_platform_has_resumed_can_be_cancelled(service: Service) -> None:
    row = await store_unfinished_job(service, echo(text="never"))
    asked = Request("cancel", {"job": row.job.id}, "web:a", "here")
    async with aclosing(service.handle(asked)) as updates:
        assert done([update async for update in updates][-1]).result.facts["job"] == row.job.id
    (update,) = await resume_job(service, row.job)
    assert failed(update).kind == "Cancelled"
    assert (await row_of(service, row.job)).state == "cancelled"


async def test_a_lost_platform_requeues_its_job(service: Service) -> None:
    async with aclosing(service.handle(Request("repeat", {"seconds": 600}, "web:a", "here"))) as updates:
        async for update in updates:
            if isinstance(update, Started):
                service.detach(update.job)
                break
    row = await row_of(service, *await service.unfinished_jobs("web"))
    assert (row.state, row.attempt) == ("queued", 0)


async def test_a_full_disk_refuses_a_job_and_stores_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.requests.admission.MIN_FREE_DISK_BYTES", 10**18)
    async with aclosing(service.handle(Request("repeat", {"text": "x"}, "web:a", "here"))) as updates:
        (refused,) = [update async for update in updates]
    assert "disk is full" in str(failed(refused).sentence)
    assert await service.studio.store.unfinished_jobs() == []


async def test_a_result_made_while_the_database_is_locked_is_delivered_once_it_is_free(
    service: Service, tmp_path: Path
) -> None:
    database = service.studio.store._database  # a short busy timeout, in milliseconds, for a quick test
    await database.read(lambda db: db.execute("PRAGMA busy_timeout = 50").fetchall())
    with closing(sqlite3.connect(tmp_path / "atelier.db", isolation_level=None)) as other:
        async with aclosing(
            service.handle(Request("repeat", {"text": "kept", "seconds": 0.2}, "web:a", "here"))
        ) as stream:
            updates = []
            async for update in stream:
                updates.append(update)
                if isinstance(update, Started):
                    other.execute("BEGIN EXCLUSIVE")
                    asyncio.get_running_loop().call_later(1, other.rollback)
    assert done(updates[-1]).result.text == "kept"
    (state,) = [row["state"] for row in await database.read(lambda db: db.execute("SELECT state FROM jobs").fetchall())]
    assert state == "done"
