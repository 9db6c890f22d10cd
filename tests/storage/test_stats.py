"""Statistics: counts, times, and the users who used the most."""

import math
from collections.abc import Callable

from engine.core.errors import Broken, Cancelled
from engine.core.job import Failed, Job, Result
from storage.store import Store
from tests.storage.builders import NOON, Clock, run

Make = Callable[..., Job]
WORDS = Result(text="done")


async def test_jobs_are_counted_by_command_and_outcome(store: Store, job: Make) -> None:
    await run(store, job("apple"), WORDS)
    await store.admit(job("apple"))
    await store.admit(broken := job("pear", command="upscale"))
    await store.abandon(broken.id, Failed.of(Broken("It broke.")))
    await store.admit(ended := job("plum"))
    await store.abandon(ended.id, Failed.of(Cancelled("Cancelled.")))
    await store.admit(job("fig"))
    stats = await store.stats(0)
    assert stats.jobs == {"imagine": {"cached": 1, "cancelled": 1, "done": 1, "queued": 1}, "upscale": {"failed": 1}}
    assert (stats.hits, stats.misses) == (1, 4)


async def test_waiting_and_running_times_have_a_median_and_a_95th_percentile(
    store: Store, job: Make, clock: Clock
) -> None:
    for number in range(1, 21):
        await store.admit(asked := job(str(number)))
        clock.forward(number)
        await store.start(asked.id, "cpu")
        clock.forward(2 * number)
        await store.finish(asked.id, WORDS, 1)
        await store.mark_delivered(asked.id)
    stats = await store.stats(0)
    assert stats.waiting is not None
    assert stats.running is not None
    assert (stats.waiting.count, stats.waiting.median, stats.waiting.p95) == (20, 10.5, 19)
    assert (stats.running.count, stats.running.median, stats.running.p95) == (20, 21, 38)


async def test_cached_results_do_not_count_as_waiting_or_running(store: Store, job: Make) -> None:
    await run(store, job(), WORDS)
    for _ in range(5):
        await store.admit(job())
    stats = await store.stats(0)
    assert stats.waiting is not None
    assert stats.waiting.count == 1


async def test_a_period_counts_only_the_jobs_accepted_in_it(store: Store, job: Make, clock: Clock) -> None:
    await run(store, job("old"), WORDS)
    clock.forward(7200)
    await run(store, job("new"), WORDS)
    assert (await store.stats(clock.now - 3600)).jobs == {"imagine": {"done": 1}}
    assert (await store.stats(0)).jobs == {"imagine": {"done": 2}}


async def test_an_empty_studio_has_empty_statistics(store: Store) -> None:
    stats = await store.stats(0)
    assert (stats.jobs, stats.waiting, stats.running, stats.hits, stats.misses) == ({}, None, None, 0, 0)
    assert await store.top_users(0, 3) == []


async def test_the_last_day_is_24_hours_of_the_clock(store: Store, job: Make, clock: Clock) -> None:
    clock.now = NOON + 1800
    await run(store, job("too old"), WORDS)
    clock.forward(3600)
    await run(store, job("first hour"), WORDS)
    clock.forward(23 * 3600)
    await run(store, job("now"), WORDS)
    await store.admit(job("now"))
    await store.admit(broken := job("broken"))
    await store.abandon(broken.id, Failed.of(Broken("It broke.")))
    hours = await store.by_hour()
    assert len(hours) == 24
    assert [hour.start for hour in hours] == [
        math.floor(clock.now / 3600) * 3600 - 3600 * back for back in range(23, -1, -1)
    ]
    assert (hours[0].done, hours[0].failed, hours[0].cached) == (1, 0, 0)
    assert (hours[-1].done, hours[-1].failed, hours[-1].cached) == (1, 1, 1)
    assert sum(hour.done for hour in hours) == 2


async def test_top_users_are_sorted_by_device_seconds(store: Store, job: Make) -> None:
    await run(store, job("1", user="web:b"), WORDS, seconds=5)
    for number in range(3):
        await run(store, job(f"a{number}", user="web:a"), WORDS, seconds=1)
    await run(store, job("c", user="web:c"), WORDS, seconds=0.5)
    top = await store.top_users(0, 2)
    assert [(usage.user, usage.jobs, usage.seconds) for usage in top] == [("web:b", 1, 5), ("web:a", 3, 3)]
