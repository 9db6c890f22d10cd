"""The history of a user's results, page by page."""

import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from engine.core.errors import Broken
from engine.core.job import Failed, Job, Result
from storage.store import Store
from tests.storage.builders import run

Make = Callable[..., Job]


async def fill(store: Store, job: Make, count: int, **how: object) -> list[str]:
    """Store `count` results and return their jobs, oldest first."""
    made = [job(key=secrets.token_hex(8), **how) for _ in range(count)]
    for one in made:
        await run(store, one, Result(text="made"))
    return [one.id for one in made]


async def ids(store: Store, user: str, *, before: str = "", after: str = "", private: bool = True) -> list[str]:
    if after:
        rows = await store.results_after(user, after, 2, private=private)
    else:
        rows = await store.results_before(user, before, 2, private=private)
    return [row.job.id for row in rows]


async def test_pages_follow_each_other_in_both_directions(store: Store, job: Make) -> None:
    one, two, three, four, five = await fill(store, job, 5, user="web:a")
    await fill(store, job, 3, user="web:b")
    assert await ids(store, "web:a") == [five, four]
    assert await ids(store, "web:a", before=four) == [three, two]
    assert await ids(store, "web:a", before=two) == [one]
    assert await ids(store, "web:a", after=one) == [three, two]
    assert await ids(store, "web:a", after=four) == [five]


async def test_private_and_deleted_results_and_those_of_unknown_jobs_are_left_out(store: Store, job: Make) -> None:
    (shown,) = await fill(store, job, 1, user="web:a")
    (hidden,) = await fill(store, job, 1, user="web:a", private=True)
    (deleted,) = await fill(store, job, 1, user="web:a")
    await store.forget(deleted)
    assert await ids(store, "web:a") == [hidden, shown]
    assert await ids(store, "web:a", private=False) == [shown]
    assert await ids(store, "web:a", before="nope") == await ids(store, "web:a", before="\ud800") == []


async def test_a_result_that_could_not_be_shown_yet_is_listed(store: Store, job: Make) -> None:
    one, failed = job(key="one", user="web:a"), job(key="two", user="web:a")
    for each in (one, failed):
        await store.admit(each)
        await store.start(each.id, "cpu")
    await store.finish(one.id, Result(text="made"), 1.0)
    await store.fail(failed.id, Failed.of(Broken("It broke."), failed.id))
    assert await ids(store, "web:a") == [one.id]
    assert [row.job.id for row in await store.finished_jobs_of("web:a", 60, 5)] == [one.id]


async def test_a_page_reads_only_the_users_own_rows(store: Store, job: Make, tmp_path: Path) -> None:
    await fill(store, job, 1, user="web:a")
    with closing(sqlite3.connect(tmp_path / "atelier.db")) as db:
        plan = db.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM jobs WHERE user = 'web:a' AND state IN ('delivering', 'done') "
            "AND number < 9 ORDER BY number DESC LIMIT 6"
        ).fetchall()
    assert [row[3] for row in plan] == ["SEARCH jobs USING INDEX jobs_ended_by_user (user=? AND number<?)"]
