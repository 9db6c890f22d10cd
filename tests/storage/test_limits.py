"""Rate limits: what is admitted, the exact wait, and that a refusal takes no token."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import RateLimited
from engine.core.job import Job, Result
from storage.store import Limit, Rate, Store
from tests.storage.builders import Clock, run
from tests.storage.conftest import Reopen

Make = Callable[..., Job]
TWICE = Rate(2, 60)
MINE = [Limit("web:a", "imagine", TWICE)]


async def refused(store: Store, job: Job, limits: list[Limit]) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        await store.admit(job, limits)
    return caught.value


async def test_a_refusal_says_exactly_how_long_to_wait_and_takes_nothing(store: Store, job: Make, clock: Clock) -> None:
    await store.admit(job("1"), MINE)
    clock.forward(10)
    await store.admit(job("2"), MINE)
    clock.forward(5.5)
    third = job("3")
    error = await refused(store, third, MINE)
    assert error.wait == 44.5
    assert str(error) == "You have reached the limit of /imagine: 2 in 1 min. Try again in 45 s."
    assert await store.job(third.id) is None
    assert (await store.cache_stats()).misses == 2
    clock.forward(error.wait)
    assert await store.admit(third, MINE) is None


async def test_a_window_survives_a_restart(reopen: Reopen, job: Make) -> None:
    async with reopen() as store:
        await store.admit(job("1"), MINE)
        await store.admit(job("2"), MINE)
    async with reopen() as store:
        assert (await refused(store, job("3"), MINE)).wait == 60


async def test_a_session_and_its_address_are_refused_together(store: Store, job: Make) -> None:
    def of(session: str) -> list[Limit]:
        return [Limit(session, "imagine", TWICE), Limit("address:1.2.3.4", "imagine", TWICE)]

    await store.admit(job("1"), of("web:a"))
    await store.admit(job("2"), of("web:b"))
    await refused(store, job("3"), of("web:c"))
    assert (await store.limits_of(["web:c"], {"imagine": TWICE}))["imagine"].used == 0
    assert await store.admit(job("4"), [Limit("web:c", "imagine", TWICE)]) is None


async def test_the_message_gives_the_longest_wait_of_several_limits(store: Store, job: Make) -> None:
    hourly = [Limit("web:a", "imagine", Rate(1, 60)), Limit("address:1.2.3.4", "imagine", Rate(1, 3600))]
    await store.admit(job("1"), hourly)
    assert (await refused(store, job("2"), hourly)).wait == 3600


async def test_two_rates_on_one_command_take_one_token(store: Store, job: Make) -> None:
    both = [Limit("web:a", "imagine", Rate(3, 60)), Limit("web:a", "imagine", Rate(5, 3600))]
    await store.admit(job(), both)
    assert (await store.count_active(0)).requests == 1


async def test_each_command_and_each_user_has_its_own_window(store: Store, job: Make) -> None:
    once = Rate(1, 60)
    await store.admit(job("1"), [Limit("web:a", "imagine", once)])
    assert await store.admit(job("2"), [Limit("web:a", "upscale", once)]) is None
    assert await store.admit(job("3"), [Limit("web:b", "imagine", once)]) is None


async def test_a_cached_result_takes_no_token_and_is_never_refused(
    store: Store, job: Make, result: Callable[..., Result]
) -> None:
    await run(store, job(), result())
    once = [Limit("web:b", "imagine", Rate(1, 60))]
    for _ in range(3):
        assert await store.admit(job(user="web:b"), once) == result()
    assert (await store.limits_of(["web:b"], {"imagine": Rate(1, 60)}))["imagine"].left == 1


async def test_a_job_without_limits_is_never_refused(store: Store, job: Make) -> None:
    for number in range(30):
        assert await store.admit(job(str(number))) is None


async def test_an_allowance_has_the_tokens_left_and_the_time_of_the_next(store: Store, job: Make, clock: Clock) -> None:
    rates = {"imagine": TWICE, "upscale": Rate(5, 60), "stats": None}
    await store.admit(job("1"), MINE)
    begun = clock.now
    clock.forward(10)
    one = await store.limits_of(["web:a", "address:1.2.3.4"], rates)
    await store.admit(job("2"), MINE)
    two = await store.limits_of(["web:a", "address:1.2.3.4"], rates)
    assert set(one) == {"imagine", "upscale"}
    assert (one["imagine"].used, one["imagine"].left, one["imagine"].resets_at) == (1, 1, begun + 60)
    assert (two["imagine"].used, two["imagine"].left, two["imagine"].resets_at) == (2, 0, begun + 60)
    assert (two["upscale"].left, two["upscale"].resets_at) == (5, None)


async def test_a_lowered_limit_gives_the_correct_wait(store: Store, job: Make, clock: Clock) -> None:
    for number in range(4):
        await store.admit(job(str(number)), [Limit("web:a", "imagine", Rate(9, 60))])
        clock.forward(10)
    left = (await store.limits_of(["web:a"], {"imagine": TWICE}))["imagine"]
    assert (left.used, left.left) == (4, 0)
    assert left.resets_at == clock.now + (await refused(store, job("next"), MINE)).wait == clock.now - 20 + 60


async def test_expired_tokens_are_deleted_and_others_stay(store: Store, job: Make, clock: Clock) -> None:
    await store.admit(job("1"), MINE)
    clock.forward(59)
    await store.admit(job("2"), MINE)
    assert await store.delete_expired() == 0
    clock.forward(1)
    assert await store.delete_expired() == 1
    assert (await store.count_active(0)).requests == 1


async def test_a_clock_that_was_set_back_blocks_nobody(store: Store, job: Make, clock: Clock) -> None:
    await store.admit(job("1"), MINE)
    await store.admit(job("2"), MINE)
    clock.forward(-86400)
    assert await store.admit(job("3"), MINE) is None


async def test_active_users_are_counted_once(store: Store, job: Make, clock: Clock) -> None:
    for number, user in enumerate(("web:a", "web:a", "web:b")):
        await store.admit(job(str(number), user=user), [Limit(user, "imagine", TWICE)])
    active = await store.count_active(clock.now - 3600)
    assert (active.users, active.requests) == (2, 3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(1, 4), window=st.integers(1, 20), gaps=st.lists(st.integers(0, 8), min_size=1, max_size=40))
async def test_no_window_ever_holds_more_than_its_count_and_the_wait_is_exact(
    job: Make, count: int, window: int, gaps: list[int]
) -> None:
    clock, taken = Clock(), list[float]()
    limits = [Limit("web:a", "imagine", Rate(count, window))]
    async with Store.open(":memory:", clock=clock) as store:
        for number, gap in enumerate(gaps):
            clock.forward(gap)
            within = [at for at in taken if at + window > clock.now]
            if len(within) == count:
                assert (await refused(store, job(str(number)), limits)).wait == min(within) + window - clock.now
            else:
                await store.admit(job(str(number)), limits)
                taken.append(clock.now)
