"""Stored run times, and the limits of one user's waiting and running jobs."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.core.errors import TooMany, UserMessage
from engine.core.job import Failed, Job, Result
from storage.runs import MAX_RUNS
from storage.store import Store
from tests.storage.builders import Clock, run
from tests.storage.conftest import Reopen

Make = Callable[..., Job]


async def test_the_last_runs_of_each_kind_survive_a_restart_oldest_first(reopen: Reopen) -> None:
    async with reopen() as store:
        for number in range(MAX_RUNS + 5):
            await store.record_run(("imagine", "pocket", "1 square", "cpu", float(number)))
        await store.record_run(("imagine", "sdxl", "1 square", "cpu", 9.0))
    async with reopen() as store:
        runs = await store.recent_runs()
    assert [seconds for *_, seconds in runs] == [*map(float, range(5, MAX_RUNS + 5)), 9.0]
    assert runs[-1] == ("imagine", "sdxl", "1 square", "cpu", 9.0)


async def test_recent_device_usage_is_listed_in_order(
    store: Store, job: Make, result: Callable[..., Result], clock: Clock
) -> None:
    await run(store, job("old"), result("old"), 9)
    clock.forward(3600)
    await run(store, job("a"), result("a"), 2)
    clock.forward(10)
    await run(store, job("b", user="web:b"), result("b"), 3)
    assert await store.device_usage(clock.now - 60) == [("web:a", 2.0, clock.now - 10), ("web:b", 3.0, clock.now)]


async def refused(store: Store, job: Job) -> str:
    with pytest.raises(TooMany) as caught:
        await store.admit(job)
    assert await store.job(job.id) is None
    return str(caught.value)


async def test_a_user_with_too_many_waiting_jobs_is_refused_with_the_limit(store: Store, job: Make) -> None:
    caps: dict[str, Any] = {"max_running": 1, "max_queued": 2}
    first = job("0", **caps)
    await store.admit(first)
    await store.start(first.id, "cpu")
    for key in "12":
        await store.admit(job(key, **caps))
    said = "You have 2 jobs waiting; the limit is 2. Try again when one has started, or /cancel one."
    assert await refused(store, job("3", **caps)) == said
    assert await store.admit(job("3", user="web:b", **caps)) is None


async def test_if_no_job_may_wait_the_message_names_the_limit_of_running_jobs(store: Store, job: Make) -> None:
    caps: dict[str, Any] = {"max_running": 1, "max_queued": 0}
    first = job("0", **caps)
    await store.admit(first)
    said = "You have 1 job running; the limit is 1. Try again when it has finished."
    assert await refused(store, job("1", **caps)) == said
    await store.fail(first.id, Failed(job=first.id, kind="Broken", sentence=UserMessage(template="x")))
    assert await store.admit(job("1", **caps)) is None


async def test_a_cached_result_is_never_refused_for_too_many_jobs(
    store: Store, job: Make, result: Callable[..., Result]
) -> None:
    await run(store, job("made"), result())
    await store.admit(job("0", max_queued=1))
    assert await store.admit(job("made", max_queued=1)) == result()
