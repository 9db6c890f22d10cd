"""Questions about several jobs: one answer creates all of them or none."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.core.errors import BadInput, RateLimited
from engine.core.job import Job, Result
from storage.database import MIGRATIONS
from storage.store import Limit, Question, Rate, Store
from tests.storage.builders import Clock, run
from tests.storage.conftest import Reopen
from tests.timing import HANG_SECONDS

Make = Callable[..., Job]
LIMIT = Limit("web:a", "imagine", Rate(2, 60))
KILLED = """
import asyncio, os, signal, sys
from storage.store import Store

async def agree():
    async with Store.open(sys.argv[1]) as store:
        question = await store.get_question(sys.argv[2])
        def arm(db):
            db.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
            db.execute("CREATE TEMP TRIGGER last AFTER INSERT ON jobs WHEN NEW.id LIKE '%-3' BEGIN SELECT die(); END")
        await store._database.read(arm)
        await store.admit_all(question.jobs, (), question)

asyncio.run(agree())
"""


@pytest.fixture
async def question(store: Store, job: Make, clock: Clock) -> Question:
    first = job("one")
    more = (job(f"number {place}", id=f"{first.id}-{place}") for place in (2, 3))
    asked = Question((first, *more), until=clock.now + 60)
    await store.add_question(asked)
    return asked


async def count_jobs_and_tokens(store: Store) -> tuple[int, int]:
    """Return the number of unfinished jobs and of tokens taken."""
    allowed = await store.limits_of(["web:a"], {"imagine": Rate(10, 60)})
    return len(await store.unfinished_jobs()), allowed["imagine"].used


async def test_an_answer_creates_every_job_and_closes_the_question(store: Store, question: Question) -> None:
    assert await store.admit_all(question.jobs, [Limit("web:a", "imagine", Rate(3, 60))], question) == [None] * 3
    assert [row.job for row in await store.unfinished_jobs()] == list(question.jobs)
    assert await store.get_question(question.name) is None
    with pytest.raises(BadInput, match="answered already"):
        await store.admit_all(question.jobs, (), question)


async def test_if_one_job_cannot_be_written_the_question_stays_open(store: Store, question: Question) -> None:
    refuse = "CREATE TEMP TRIGGER t BEFORE INSERT ON jobs WHEN NEW.id LIKE '%-3' BEGIN SELECT raise(ABORT, 'no'); END"
    await store._database.write(lambda db: db.execute(refuse))
    with pytest.raises(sqlite3.IntegrityError):
        await store.admit_all(question.jobs, (), question)
    assert await count_jobs_and_tokens(store) == (0, 0)
    assert await store.get_question(question.name) == question
    await store._database.write(lambda db: db.execute("DROP TRIGGER t"))
    await store.admit_all(question.jobs, (), question)
    assert (await count_jobs_and_tokens(store))[0] == 3


async def test_if_one_job_is_over_the_limit_none_is_created_and_none_counts(store: Store, question: Question) -> None:
    with pytest.raises(RateLimited):
        await store.admit_all(question.jobs, [LIMIT], question)
    assert await count_jobs_and_tokens(store) == (0, 0)
    assert await store.get_question(question.name) == question


async def test_a_kill_between_the_first_and_the_last_job_leaves_the_question_open(
    reopen: Reopen, question: Question, tmp_path: Path
) -> None:
    async with reopen() as store:
        command = [sys.executable, "-c", KILLED, str(tmp_path / "atelier.db"), question.name]
        killed = await asyncio.to_thread(
            subprocess.run, command, timeout=HANG_SECONDS, check=False, capture_output=True
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert await count_jobs_and_tokens(store) == (0, 0)
        assert await store.get_question(question.name) == question


async def test_a_cancelled_second_answer_takes_nothing_from_the_first(store: Store, question: Question) -> None:
    await store.admit_all(question.jobs, (), question)
    reached, gate, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def hold(statement: str) -> None:
        if "FROM jobs WHERE id" in statement:
            loop.call_soon_threadsafe(reached.set)
            gate.wait(30)

    await store._database.read(lambda db: db.set_trace_callback(hold))
    again = asyncio.create_task(store.admit_all(question.jobs, (), question))
    await reached.wait()
    again.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await again
    assert [row.job for row in await store.unfinished_jobs()] == list(question.jobs)
    assert await store.get_question(question.name) is None


@pytest.mark.parametrize("version", [5, 7])
async def test_a_question_from_before_migration_7_can_be_answered(
    reopen: Reopen, job: Make, tmp_path: Path, version: int
) -> None:
    picture = {"image": {"sha256": "a" * 64, "path": "a.png"}}
    several = [job(f"number {place}", id=f"3f9a1c20be-{place}", params=picture) for place in range(1, 12)]
    alone = job("alone", id="0f9a1c20be", params=picture)
    write_old_database(tmp_path / "atelier.db", version, [*several, alone])
    async with reopen() as store:
        for name, jobs in (("3f9a1c20be", 11), ("0f9a1c20be", 12)):
            question = await store.get_question(name)
            assert question is not None
            assert question.name == name
            await store.admit_all(question.jobs, (), question)
            assert await store.get_question(name) is None
            assert (await count_jobs_and_tokens(store))[0] == jobs
        assert await store._database.read(lambda db: db.execute("SELECT count(*) FROM ask_files").fetchone()[0]) == 0
        assert await store._database.read(lambda db: db.execute("PRAGMA foreign_key_check").fetchall()) == []


def write_old_database(path: Path, version: int, asked: list[Job]) -> None:
    """Write a database of a version before 8 with an open question about the jobs."""
    with closing(sqlite3.connect(path)) as old:
        for step in sorted(MIGRATIONS.glob("*.sql"))[:version]:
            old.executescript(step.read_text())
        columns = "job, body, until" if version < 7 else "question, job, body, until"
        for job in asked:
            named = () if version < 7 else (job.id,)
            body = job.model_dump(mode="json", exclude={"notes", "max_running", "max_queued"})
            body |= {"at_once": job.max_running, "in_line": job.max_queued}
            row = (*named, job.id, json.dumps(body), 9e9)
            old.execute(f"INSERT INTO asks ({columns}) VALUES ({', '.join('?' * len(row))})", row)
            old.execute("INSERT INTO ask_files VALUES (?, ?, ?)", (job.id, "a" * 64, "a.png"))
        old.execute(f"PRAGMA user_version = {version}")
        old.commit()


async def test_an_answer_to_a_deleted_question_creates_nothing(store: Store, question: Question) -> None:
    assert await store.delete_question(question.name)
    with pytest.raises(BadInput, match="has expired"):
        await store.admit_all(question.jobs, (), question)
    assert await count_jobs_and_tokens(store) == (0, 0)


async def test_a_cancelled_answer_can_be_given_again(
    store: Store, question: Question, job: Make, result: Callable[..., Result]
) -> None:
    await run(store, job("one"), result())  # so that the first is cached
    for moment in range(12):
        answering = asyncio.create_task(store.admit_all(question.jobs, [LIMIT], question))
        for _ in range(moment):
            await asyncio.sleep(0)
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        assert await count_jobs_and_tokens(store) == (0, 0)
        assert await store.get_question(question.name) == question
    stats = await store.cache_stats()
    assert (stats.hits, stats.misses) == (0, 1)


async def test_a_message_that_was_answered_with_a_question_is_remembered_while_it_is_open(store: Store) -> None:
    await store.mark_as_question("telegram:7/1", 60)
    await store.mark_as_question("telegram:7/1", 60)
    assert await store.is_duplicate("telegram:7/1")
    assert not await store.is_duplicate("telegram:7/2")
    await store.mark_as_question("telegram:7/2", -1)
    assert not await store.is_duplicate("telegram:7/2")
    await store.delete_expired()
    assert await store._database.read(lambda db: db.execute("SELECT count(*) FROM asked").fetchone()[0]) == 1
    assert await store.is_duplicate("telegram:7/1")
