"""The cache: hits and misses, eviction, and what happens to the files."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import Cancelled
from engine.core.job import Failed, Job, Result
from engine.media.files import keep
from storage.repeats import SEEN_QUERY
from storage.store import HASH_IN_THREAD_BYTES, Store
from tests.storage.builders import NOON, Clock, run
from tests.storage.conftest import Reopen

Make = Callable[..., Job]
MakeResult = Callable[..., Result]


def files(tmp_path: Path) -> set[Path]:
    return {path for path in (tmp_path / "media").rglob("*") if path.is_file()}


async def test_the_same_key_is_answered_from_the_cache(
    store: Store, job: Make, result: MakeResult, clock: Clock
) -> None:
    made = result()
    await run(store, job(), made)
    again = job(user="web:b")
    assert await store.admit(again) == made
    row = await store.job(again.id)
    assert row is not None
    assert (row.state, row.cached, row.result, row.ended, row.seconds) == ("delivering", True, made, clock.now, 0)


async def test_hits_and_misses_are_counted_and_survive_a_restart(reopen: Reopen, job: Make, result: MakeResult) -> None:
    async with reopen() as store:
        await run(store, job(), result(size=100))
        await run(store, job("pear"), result("pear", size=50))
        await store.admit(job())
    async with reopen() as store:
        await store.admit(job())
        stats = await store.cache_stats()
    assert (stats.entries, stats.bytes, stats.hits, stats.misses, stats.oldest) == (2, 150, 2, 2, NOON)


async def test_an_empty_cache_has_no_oldest_entry(store: Store) -> None:
    stats = await store.cache_stats()
    assert (stats.entries, stats.bytes, stats.hits, stats.misses, stats.oldest) == (0, 0, 0, 0, None)


async def test_the_least_recently_used_entry_is_evicted(
    reopen: Reopen, job: Make, result: MakeResult, clock: Clock, tmp_path: Path
) -> None:
    async with reopen(cache_bytes=250) as store:
        for name in ("apple", "pear"):
            await run(store, job(name), result(name))
            clock.forward(1)
        await store.admit(job("apple"))
        clock.forward(1)
        await run(store, job("plum"), result("plum"))
        assert await store.admit(job("apple")) is not None
        assert await store.admit(job("plum")) is not None
        assert await store.admit(job("pear")) is None
    assert len(files(tmp_path)) == 2


async def test_a_result_larger_than_the_cache_is_delivered_but_not_cached_and_evicts_nothing(
    reopen: Reopen, job: Make, result: MakeResult
) -> None:
    async with reopen(cache_bytes=250) as store:
        await run(store, job("apple"), result("apple"))
        huge = result("huge", 300)
        await run(store, job("huge"), huge)
        assert huge.media[0].path.exists()
        assert (await store.cache_stats()).bytes == 100
        assert await store.admit(job("huge")) is None


async def test_a_file_of_another_entry_is_not_deleted(
    reopen: Reopen, job: Make, result: MakeResult, clock: Clock
) -> None:
    shared = result("same", 100)
    async with reopen(cache_bytes=250) as store:
        for name in ("apple", "pear"):
            await run(store, job(name), shared)
            clock.forward(1)
        await run(store, job("plum"), result("plum"))
        assert (await store.cache_stats()).entries == 2
        assert shared.media[0].path.exists()
        assert await store.admit(job("pear")) == shared


async def test_a_file_of_an_unfinished_job_is_not_deleted_until_the_job_ends(
    store: Store, job: Make, result: MakeResult
) -> None:
    made = result()
    await run(store, job(), made)
    waiting = job("vary", params={"image": made.media[0].model_dump(mode="json")})
    await store.admit(waiting)
    assert await store.clear_cache() == (1, 100)
    assert made.media[0].path.exists()
    await store.abandon(waiting.id, Failed.of(Cancelled("Cancelled.")))
    assert await store.referenced_files() == set()


@pytest.mark.parametrize("size", [100, HASH_IN_THREAD_BYTES])
@pytest.mark.parametrize("damage", ["missing", "shorter", "changed"])
async def test_a_damaged_file_is_a_miss_and_the_job_runs_again(
    store: Store, job: Make, result: MakeResult, damage: str, size: int
) -> None:
    made = result(size=size)
    await run(store, job(), made)
    path = made.media[0].path
    match damage:
        case "missing":
            path.unlink()
        case "shorter":
            path.write_bytes(path.read_bytes()[:-1])
        case "changed":
            path.write_bytes(path.read_bytes()[:-1] + b"x")
    again = job()
    assert await store.admit(again) is None
    stats = await store.cache_stats()
    assert (stats.entries, stats.bytes, stats.hits, stats.misses) == (0, 0, 0, 2)
    assert not path.exists()
    await store.start(again.id, "cpu")
    await store.finish(again.id, result(size=size), 1)
    assert await store.admit(job()) == made


async def test_clearing_by_age_deletes_older_entries(
    store: Store, job: Make, result: MakeResult, clock: Clock, tmp_path: Path
) -> None:
    await run(store, job("apple"), result("apple"))
    clock.forward(10 * 86400)
    await run(store, job("pear"), result("pear", 60))
    assert await store.clear_cache(older_than=7 * 86400) == (1, 100)
    assert len(files(tmp_path)) == 1
    assert await store.clear_cache() == (1, 60)
    assert files(tmp_path) == set()
    assert await store.clear_cache() == (0, 0)


async def test_a_result_with_only_text_is_cached(store: Store, job: Make) -> None:
    await run(store, job(), Result(text="twelve bytes"))
    assert await store.admit(job()) == Result(text="twelve bytes")
    assert (await store.cache_stats()).bytes == 12


async def test_two_results_of_one_key_are_one_entry(store: Store, job: Make, result: MakeResult) -> None:
    twins = [job(), job()]
    for twin in twins:
        await store.admit(twin)
        await store.start(twin.id, "cpu")
    first, second = result("first"), result("second")
    for twin, made in zip(twins, (first, second), strict=True):
        await store.finish(twin.id, made, 1)
        await store.mark_delivered(twin.id)
    stats = await store.cache_stats()
    assert (stats.entries, stats.bytes) == (1, 100)
    assert await store.admit(job()) == second
    assert await store.referenced_files() == {second.media[0].sha256}


async def test_many_concurrent_hits_are_all_counted(store: Store, job: Make, result: MakeResult) -> None:
    await run(store, job(), result())
    answers = await asyncio.gather(*(store.admit(job(user=f"web:{number}")) for number in range(40)))
    assert all(answer == result() for answer in answers)
    assert (await store.cache_stats()).hits == 40


Step = tuple[str, int, int]
STEPS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 60), st.integers(1, 2)), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bound=st.integers(0, 120), steps=STEPS)
async def test_the_cache_behaves_like_a_simple_lru_list(job: Make, bound: int, steps: list[Step]) -> None:
    clock, model = Clock(), dict[str, int]()  # oldest use first
    with TemporaryDirectory() as folder:
        async with Store.open(":memory:", cache_bytes=bound, clock=clock) as store:
            for key, size, gap in steps:
                clock.forward(gap)
                asked = job(key)
                hit = await store.admit(asked) is not None
                assert hit == (key in model)
                if hit:
                    model[key] = model.pop(key)
                elif size <= bound:
                    model[key] = size
                if not hit:
                    media = keep((key * size).encode()[:size], Path(folder), ".bin")
                    await store.start(asked.id, "cpu")
                    await store.finish(asked.id, Result(media=(media,)), 1)
                while sum(model.values()) > bound:
                    del model[next(iter(model))]
                stats = await store.cache_stats()
                assert (stats.entries, stats.bytes) == (len(model), sum(model.values()))


async def test_a_result_made_in_private_answers_only_its_user(store: Store, job: Make, result: MakeResult) -> None:
    made = result()
    await run(store, job(private=True), made)
    for other in (job(user="web:b"), job(user="web:b", private=True)):
        assert await store.admit(other) is None
        await store.abandon(other.id, Failed.of(Cancelled("Cancelled.")))
    assert await store.admit(job(private=True)) == made
    assert await store.admit(job()) == made


async def test_a_result_made_in_public_answers_everybody(store: Store, job: Make, result: MakeResult) -> None:
    made = result()
    await run(store, job(), made)
    for user in ("web:a", "web:b"):
        assert await store.admit(job(user=user)) == made
        assert await store.admit(job(user=user, private=True)) == made


async def test_two_users_make_the_same_in_private_and_each_deletes_only_their_own(
    store: Store, job: Make, result: MakeResult
) -> None:
    made = result()
    mine, hers = job(private=True), job(user="web:b", private=True)
    await run(store, mine, made)
    await run(store, hers, made)
    assert (await store.cache_stats()).entries == 2
    await store.forget(mine.id)
    assert made.media[0].path.exists()
    assert await store.admit(job(private=True)) is None
    again = job(user="web:b", private=True)
    assert await store.admit(again) == made
    await store.forget(hers.id)
    await store.forget(again.id)
    assert not made.media[0].path.exists()
    assert (await store.cache_stats()).entries == 0


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (SEEN_QUERY, "jobs_by_repeat"),
        ("SELECT 1 FROM jobs WHERE key = ? AND user = coalesce(?, user)", "jobs_by_key"),
        (
            "SELECT count(*) FROM limit_waits WHERE identity = ? AND command = ? AND number < 9",
            "limit_waits_by_identity",
        ),
    ],
)
async def test_what_every_admission_asks_is_answered_by_an_index(store: Store, query: str, index: str) -> None:
    plan = await store._database.read(lambda db: db.execute(f"EXPLAIN QUERY PLAN {query}", ("a", "b")).fetchall())
    assert index in plan[0]["detail"]
    assert plan[0]["detail"].startswith("SEARCH")
