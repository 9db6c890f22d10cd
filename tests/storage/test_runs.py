"""What is kept of how long runs took, and the caps on one person's jobs."""

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


async def test_who_used_the_devices_lately_is_told_in_order(
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


async def test_a_person_may_have_so_many_jobs_waiting_and_the_refusal_says_so(store: Store, job: Make) -> None:
    caps: dict[str, Any] = {"at_once": 1, "in_line": 2}
    first = job("0", **caps)
    await store.admit(first)
    await store.start(first.id, "cpu")
    for key in "12":
        await store.admit(job(key, **caps))
    said = "You have reached the limit of waiting jobs: 2. Try again when one has started, or /cancel one."
    assert await refused(store, job("3", **caps)) == said
    assert await store.admit(job("3", user="web:b", **caps)) is None


async def test_where_none_may_wait_the_refusal_is_about_what_runs(store: Store, job: Make) -> None:
    caps: dict[str, Any] = {"at_once": 1, "in_line": 0}
    first = job("0", **caps)
    await store.admit(first)
    said = "You have reached the limit of running jobs: 1. Try again when one has finished."
    assert await refused(store, job("1", **caps)) == said
    await store.fail(first.id, Failed(job=first.id, kind="Broken", sentence=UserMessage(template="x")))
    assert await store.admit(job("1", **caps)) is None


async def test_a_cached_answer_is_never_refused_for_the_cap(
    store: Store, job: Make, result: Callable[..., Result]
) -> None:
    await run(store, job("made"), result())
    await store.admit(job("0", in_line=1))
    assert await store.admit(job("made", in_line=1)) == result()
