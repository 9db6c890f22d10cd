"""Jobs that wait for their rate limits: when each may start, and that it takes its tokens once."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import Cancelled, RateLimited, TooMany
from engine.core.job import Failed, Job
from storage.store import Limit, Rate, Store
from tests.storage.builders import Clock
from tests.storage.conftest import Reopen

Make = Callable[..., Job]
TWICE = Rate(2, 60)
MINE = [Limit("web:a", "imagine", TWICE)]


async def wait(store: Store, *jobs: Job, limits: list[Limit] = MINE) -> list[float]:
    """Admit the jobs, which may wait, and return the seconds that each has to wait."""
    await store.admit_all(jobs, limits, may_wait=True)
    return [await store.claim_start(job.id, limits[0].rate) for job in jobs]


async def tokens(store: Store) -> int:
    return (await store.count_active(0)).requests


async def test_a_job_over_the_limit_is_queued_and_starts_when_the_oldest_token_is_free(
    store: Store, job: Make, clock: Clock
) -> None:
    assert await wait(store, job("1")) == [0]
    clock.forward(10)
    assert await wait(store, job("2")) == [0]
    third = job("3")
    assert await wait(store, third) == [50]
    row = await store.job(third.id)
    assert row is not None
    assert (row.state, await tokens(store)) == ("queued", 2)
    clock.forward(49.5)
    assert await store.claim_start(third.id, TWICE) == 0.5
    clock.forward(0.5)
    assert await store.claim_start(third.id, TWICE) == 0
    assert await tokens(store) == 3


async def test_a_started_job_takes_its_token_only_once(store: Store, job: Make, clock: Clock) -> None:
    jobs = [job(str(number)) for number in range(3)]
    await wait(store, *jobs)
    clock.forward(60)
    assert [await store.claim_start(each.id, TWICE) for each in jobs * 2] == [0] * 6
    assert await tokens(store) == 3


async def test_the_jobs_of_one_request_start_in_order_as_many_in_a_window_as_the_limit_allows(
    store: Store, job: Make
) -> None:
    assert await wait(store, *(job(str(number)) for number in range(7))) == [0, 0, 60, 60, 120, 120, 180]


async def test_a_waiting_job_survives_a_restart(reopen: Reopen, job: Make, clock: Clock) -> None:
    jobs = [job(str(number)) for number in range(3)]
    async with reopen() as store:
        await wait(store, *jobs)
    clock.forward(20)
    async with reopen() as store:
        assert [row.job.id for row in await store.unfinished_jobs()] == [each.id for each in jobs]
        assert await store.claim_start(jobs[2].id, TWICE) == 40


async def test_the_others_move_up_when_a_waiting_job_is_cancelled(store: Store, job: Make) -> None:
    jobs = [job(str(number)) for number in range(5)]
    assert (await wait(store, *jobs))[2:] == [60, 60, 120]
    await store.abandon(jobs[2].id, Failed.of(Cancelled("Cancelled.")))
    assert [await store.claim_start(each.id, TWICE) for each in jobs[3:]] == [60, 60]
    await store.fail(jobs[3].id, Failed.of(Cancelled("Cancelled.")))
    assert await store.claim_start(jobs[4].id, TWICE) == 60
    assert await tokens(store) == 2


async def test_nobody_overtakes_a_waiting_job(store: Store, job: Make, clock: Clock) -> None:
    jobs = [job(str(number)) for number in range(4)]
    await wait(store, *jobs)
    clock.forward(60)
    late = job("late")
    assert await wait(store, late) == [60], "both tokens belong to those who wait"
    with pytest.raises(RateLimited) as refused:
        await store.admit(job("program"), MINE)
    assert refused.value.wait == 60
    assert [await store.claim_start(each.id, TWICE) for each in jobs[2:]] == [0, 0]


async def test_a_program_is_refused_and_told_when_it_may_start(store: Store, job: Make) -> None:
    await wait(store, *(job(str(number)) for number in range(3)))
    with pytest.raises(RateLimited) as refused:
        await store.admit(job("program"), MINE)
    assert refused.value.wait == 60


async def test_another_session_at_the_same_address_waits_behind_the_first(store: Store, job: Make) -> None:
    def of(session: str) -> list[Limit]:
        return [Limit(session, "imagine", TWICE), Limit("address:1.2.3.4", "imagine", TWICE)]

    await wait(store, *(job(str(number)) for number in range(3)), limits=of("web:a"))
    assert await wait(store, job("b", user="web:b"), job("c", user="web:b"), limits=of("web:b")) == [60, 120]
    assert await wait(store, job("d", user="web:c"), limits=[Limit("web:c", "imagine", TWICE)]) == [0]


async def test_waiting_jobs_count_towards_the_queue_cap_and_one_more_is_refused(store: Store, job: Make) -> None:
    await wait(store, *(job(str(number), max_queued=4) for number in range(4)))
    with pytest.raises(TooMany):
        await store.admit_all([job("more", max_queued=4)], MINE, may_wait=True)
    assert len(await store.unfinished_jobs()) == 4


async def test_a_user_whose_jobs_may_not_wait_is_refused(store: Store, job: Make) -> None:
    await wait(store, job("1"), job("2"))
    with pytest.raises(RateLimited):
        await store.admit_all([job("3", max_queued=0)], MINE, may_wait=True)


async def test_a_changed_limit_applies_to_the_jobs_that_wait(store: Store, job: Make) -> None:
    jobs = [job(str(number)) for number in range(4)]
    await wait(store, *jobs)
    assert await store.claim_start(jobs[3].id, Rate(1, 600)) == 1200
    assert await store.claim_start(jobs[2].id, Rate(3, 60)) == 0
    assert await store.claim_start(jobs[3].id, None) == 0


async def test_a_clock_that_was_set_back_holds_nobody(store: Store, job: Make, clock: Clock) -> None:
    jobs = [job(str(number)) for number in range(3)]
    await wait(store, *jobs)
    clock.forward(-86400)
    assert await store.claim_start(jobs[2].id, TWICE) == 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(1, 4), window=st.integers(1, 20), gaps=st.lists(st.integers(0, 8), min_size=1, max_size=30))
async def test_every_job_starts_at_the_time_that_it_was_told_and_no_window_holds_too_many(
    job: Make, count: int, window: int, gaps: list[int]
) -> None:
    clock, rate = Clock(), Rate(count, window)
    promised: dict[str, float] = {}
    starts: list[float] = []
    async with Store.open(":memory:", clock=clock) as store:

        async def start_those_that_may() -> None:
            for each in [each for each in promised if await store.claim_start(each, rate) == 0]:
                assert promised.pop(each) == clock.now
                starts.append(clock.now)

        for number, gap in enumerate(gaps):
            for _ in range(gap):
                clock.forward(1)
                await start_those_that_may()
            asked = job(str(number))
            (seconds,) = await wait(store, asked, limits=[Limit("web:a", "imagine", rate)])
            promised[asked.id] = clock.now + seconds
            await start_those_that_may()
        while promised:
            clock.forward(1)
            await start_those_that_may()
    for place, begun in enumerate(starts[count:], count):
        assert begun >= starts[place - count] + window
