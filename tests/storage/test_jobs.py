"""Job rows: states, illegal transitions, and what is found after a restart."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.core.errors import Broken, Cancelled
from engine.core.job import Failed, Job, Result
from engine.media.files import keep
from storage.store import DuplicateRequest, IllegalTransition, Limit, Rate, Store
from tests.storage.builders import NOON, Clock, png, run
from tests.storage.conftest import Reopen

Make = Callable[..., Job]
CANCELLED = Failed.of(Cancelled("Cancelled."))
BROKEN = Failed.of(Broken("It broke at step {step}.", step=3))


async def test_an_admitted_job_is_loaded_unchanged(store: Store, job: Make) -> None:
    asked = job(private=True, cost=2.5, params={"prompt": "a “red” apple", "count": 2, "image": None})
    assert await store.admit(asked) is None
    row = await store.job(asked.id)
    assert row is not None
    assert row.job == asked
    assert (row.state, row.worker, row.attempt, row.started, row.cached, row.result) == (
        "queued",
        None,
        0,
        None,
        False,
        None,
    )


async def test_a_finished_job_has_its_worker_times_device_seconds_and_result(
    store: Store, job: Make, clock: Clock, result: Callable[..., Result]
) -> None:
    asked, made = job(), result()
    await store.admit(asked)
    clock.forward(2)
    await store.start(asked.id, "cuda:0")
    clock.forward(3)
    await store.finish(asked.id, made, 2.5)
    await store.mark_delivered(asked.id)
    row = await store.job(asked.id)
    assert row is not None
    assert (row.state, row.worker, row.attempt, row.result) == ("done", "cuda:0", 1, made)
    assert (row.created, row.started, row.ended, row.seconds) == (NOON, NOON + 2, NOON + 5, 2.5)


async def test_an_error_is_stored_so_that_it_can_be_shown_in_any_language(store: Store, job: Make) -> None:
    asked = job()
    await store.admit(asked)
    await store.start(asked.id, "cpu")
    await store.fail(asked.id, BROKEN)
    await store.mark_delivered(asked.id)
    row = await store.job(asked.id)
    assert row is not None
    assert (row.state, row.failed) == ("failed", BROKEN)


@pytest.mark.parametrize(("failed", "state"), [(BROKEN, "failed"), (CANCELLED, "cancelled")])
async def test_a_failed_job_is_unfinished_until_its_error_is_delivered(
    store: Store, job: Make, failed: Failed, state: str
) -> None:
    asked = job()
    await store.admit(asked)
    await store.fail(asked.id, failed)
    (row,) = await store.unfinished_jobs()
    assert (row.state, row.failed) == ("delivering", failed)
    for _ in range(2):
        await store.mark_delivered(asked.id)
    told = await store.job(asked.id)
    assert told is not None
    assert told.state == state


async def test_a_result_keeps_its_files_until_it_is_delivered_even_if_the_cache_is_full(
    reopen: Reopen, job: Make, result: Callable[..., Result]
) -> None:
    async with reopen(cache_bytes=0) as store:
        asked, made = job(), result()
        await store.admit(asked)
        await store.start(asked.id, "cpu")
        await store.finish(asked.id, made, 1)
        assert await store.referenced_files() == {made.media[0].sha256}
        assert made.media[0].path.exists()
        await store.mark_delivered(asked.id)
        assert await store.referenced_files() == set()


async def test_a_cached_result_keeps_its_files_until_it_is_delivered(
    store: Store, job: Make, result: Callable[..., Result]
) -> None:
    made = result()
    await run(store, job(), made)
    await store.admit(job(user="web:b"))
    await store.clear_cache()
    assert made.media[0].path.exists()


async def test_a_message_that_is_delivered_twice_creates_one_job(store: Store, job: Make) -> None:
    once = [Limit("web:a", "imagine", Rate(1, 60))]
    await store.admit(job(request="telegram:7/1"), once)
    with pytest.raises(DuplicateRequest):
        await store.admit(job("other", request="telegram:7/1"), once)
    assert len(await store.unfinished_jobs()) == 1
    assert (await store.count_active(0)).requests == 1


async def test_a_job_has_the_origin_that_was_set_last(store: Store, job: Make) -> None:
    asked = job()
    await store.admit(asked)
    await store.set_origin(asked.id, "room/1/9")
    (row,) = await store.unfinished_jobs()
    assert row.job.origin == "room/1/9"


async def test_a_forgiven_attempt_does_not_count(store: Store, job: Make) -> None:
    asked = job()
    await store.admit(asked)
    await store.start(asked.id, "cpu")
    assert await store.requeue(asked.id, forgive=True) == 0
    await store.start(asked.id, "cpu")
    assert await store.requeue(asked.id) == 1


async def test_a_queued_job_can_be_cancelled(store: Store, job: Make) -> None:
    asked = job()
    await store.admit(asked)
    await store.abandon(asked.id, CANCELLED)
    row = await store.job(asked.id)
    assert row is not None
    assert row.state == "cancelled"
    assert await store.unfinished_jobs() == []


async def test_a_job_whose_worker_died_is_queued_again_and_counts_its_attempts(store: Store, job: Make) -> None:
    asked = job()
    await store.admit(asked)
    await store.start(asked.id, "cpu")
    await store.requeue(asked.id)
    waiting = await store.job(asked.id)
    await store.start(asked.id, "cpu")
    running = await store.job(asked.id)
    assert waiting is not None
    assert running is not None
    assert (waiting.state, waiting.worker, waiting.started, waiting.attempt) == ("queued", None, None, 1)
    assert (running.state, running.attempt) == ("running", 2)


async def test_illegal_transitions_are_refused_and_change_nothing(
    store: Store, job: Make, result: Callable[..., Result]
) -> None:
    queued, done = job("queued"), job("done")
    await store.admit(queued)
    await run(store, done, result())
    for move in (
        store.finish(queued.id, result(), 1),
        store.requeue(queued.id),
        store.start(done.id, "cpu"),
        store.finish(done.id, result("other"), 1),
        store.fail(done.id, BROKEN),
        store.abandon(done.id, BROKEN),
        store.mark_delivered(queued.id),
    ):
        with pytest.raises(IllegalTransition, match="it becomes"):
            await move
    states = [row.state for row in (await store.job(queued.id), await store.job(done.id)) if row]
    assert states == ["queued", "done"]
    assert (await store.cache_stats()).entries == 1


async def test_a_transition_of_an_unknown_job_is_refused(store: Store) -> None:
    with pytest.raises(IllegalTransition, match="no job f00"):
        await store.start("f00", "cpu")


async def test_unfinished_jobs_survive_a_restart_in_order(
    reopen: Reopen, job: Make, result: Callable[..., Result]
) -> None:
    first, second, third, done = job("1"), job("2"), job("3"), job("4")
    async with reopen() as store:
        for each in (first, second, third):
            await store.admit(each)
        await run(store, done, result())
        await store.start(second.id, "cpu")
    async with reopen() as store:
        assert [(row.job, row.state) for row in await store.unfinished_jobs()] == [
            (first, "queued"), (second, "running"), (third, "queued")
        ]  # fmt: skip


async def test_a_user_sees_their_own_queued_and_running_jobs(store: Store, job: Make) -> None:
    mine, running, theirs = job("1"), job("2"), job("3", user="web:b")
    for each in (mine, running, theirs):
        await store.admit(each)
    await store.start(running.id, "cpu")
    await store.admit(ended := job("4"))
    await store.abandon(ended.id, CANCELLED)
    assert [row.job.id for row in await store.jobs_of("web:a")] == [mine.id, running.id]


async def test_a_caller_cancelled_during_admission_leaves_no_row_and_no_token(store: Store, job: Make) -> None:
    limits = [Limit("web:a", "imagine", Rate(1, 60))]
    for moment in range(8):
        asked = job(str(moment))
        admission = asyncio.create_task(store.admit(asked, limits))
        for _ in range(moment):
            await asyncio.sleep(0)
        admission.cancel()
        with pytest.raises(asyncio.CancelledError):
            await admission
        assert await store.job(asked.id) is None
    assert (await store.count_active(0)).requests == 0
    assert (await store.cache_stats()).misses == 0


async def test_a_transition_is_written_even_if_its_caller_is_cancelled(store: Store, job: Make) -> None:
    asked = job()
    await store.admit(asked)
    move = asyncio.create_task(store.fail(asked.id, CANCELLED))
    await asyncio.sleep(0)
    move.cancel()
    with pytest.raises(asyncio.CancelledError):
        await move
    assert await store.jobs_of("web:a") == []


async def test_many_concurrent_jobs_are_all_admitted_run_and_delivered(
    store: Store, job: Make, result: Callable[..., Result]
) -> None:
    await asyncio.gather(*(run(store, job(str(number)), result(str(number))) for number in range(50)))
    assert (await store.stats(0)).jobs == {"imagine": {"done": 50}}
    assert (await store.cache_stats()).entries == 50


async def test_files_of_unfinished_jobs_are_referenced_until_they_end(store: Store, job: Make, tmp_path: Path) -> None:
    picture = keep(png(8, 4), tmp_path / "media")
    asked = job(params={"prompt": "like this", "image": picture.model_dump(mode="json")})
    await store.admit(asked)
    named = await store.referenced_files()
    await store.fail(asked.id, CANCELLED)
    await store.mark_delivered(asked.id)
    assert named == {picture.sha256}
    assert await store.referenced_files() == set()


async def test_parameters_are_stored_as_json(reopen: Reopen, job: Make, tmp_path: Path) -> None:
    async with reopen() as store:
        await store.admit(job())
    with closing(sqlite3.connect(tmp_path / "atelier.db")) as database:
        (params,) = database.execute("SELECT params FROM jobs").fetchone()
    assert json.loads(params) == {"prompt": "apple"}
