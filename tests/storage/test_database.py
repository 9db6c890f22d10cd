"""The connection: writes that share a commit, writes that fail, a full disk, and a locked database."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing
from pathlib import Path

import pytest

from engine.core.errors import AtelierError, DiskFull, Locked
from engine.core.job import Job
from storage.database import MIGRATIONS, Database
from storage.store import Store
from tests.timing import HANG_SECONDS


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "atelier.db")
    yield opened
    await opened.close()


@pytest.mark.parametrize("there", [False, True])
async def test_only_its_owner_can_read_the_database(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "atelier.db"
    if there:
        await (await Database.open(path)).close()
        path.chmod(0o644)
    database = await Database.open(path)
    try:
        await database.write(lambda db: db.execute(write("key")))
        rights = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}  # noqa: ASYNC240
    finally:
        await database.close()
    assert rights == {"atelier.db": 0o600, "atelier.db-wal": 0o600, "atelier.db-shm": 0o600}


def write(name: str) -> str:
    return f"INSERT INTO notes VALUES ('{name}', 'written')"


async def names(database: Database) -> list[str]:
    return await database.read(lambda db: [row["name"] for row in db.execute("SELECT name FROM notes ORDER BY name")])


async def test_a_write_that_fails_is_undone_and_its_neighbours_are_not(database: Database) -> None:
    def half(db: sqlite3.Connection) -> None:
        db.execute(write("half"))
        raise LookupError

    answers = await asyncio.gather(
        database.write(lambda db: db.execute(write("before")).rowcount),
        database.write(half),
        database.write(lambda db: db.execute(write("after")).rowcount),
        return_exceptions=True,
    )
    assert [answers[0], answers[2]] == [1, 1]
    assert isinstance(answers[1], LookupError)
    assert await names(database) == ["after", "before"]


async def test_writes_run_in_the_order_of_their_calls(database: Database) -> None:
    order: list[int] = []

    def note(number: int) -> Coroutine[object, object, None]:
        return database.write(lambda _: order.append(number))

    await asyncio.gather(*(note(number) for number in range(100)))
    assert order == list(range(100))


async def test_concurrent_writes_share_a_commit(database: Database, tmp_path: Path) -> None:
    def commits(db: sqlite3.Connection) -> int:
        return int(db.execute("PRAGMA data_version").fetchone()[0])

    with closing(sqlite3.connect(tmp_path / "atelier.db", check_same_thread=False)) as other:
        seen: set[int] = set()
        all_asked = threading.Event()

        def look(db: sqlite3.Connection) -> None:
            db.execute("INSERT INTO notes VALUES (hex(randomblob(8)), 'written')")
            seen.add(commits(other))

        first = asyncio.create_task(database.write(lambda _: all_asked.wait(HANG_SECONDS)))
        rest = [asyncio.create_task(database.write(look)) for _ in range(8)]
        await asyncio.sleep(0)
        all_asked.set()
        await asyncio.gather(first, *rest)
    assert len(await names(database)) == 8
    assert len(seen) == 1


async def test_a_full_disk_fails_the_write_and_the_next_write_works_again(database: Database) -> None:
    def fill(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO notes VALUES ('large', ?)", ("x" * 1_000_000,))

    pages = await database.read(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    await database.read(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchall())
    with pytest.raises(DiskFull):
        await database.write(fill)
    await database.read(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchall())
    await database.write(fill)
    assert await names(database) == ["large"]


async def test_a_write_to_a_locked_database_fails_with_a_message_and_the_next_write_works_again(
    database: Database, tmp_path: Path
) -> None:
    await database.read(lambda db: db.execute("PRAGMA busy_timeout = 50").fetchall())
    with closing(sqlite3.connect(tmp_path / "atelier.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Locked, match="Another program is using the studio's database"):
            await database.write(lambda db: db.execute(write("early")))
    await database.write(lambda db: db.execute(write("late")))
    assert await names(database) == ["late"]


async def test_a_locked_database_is_not_reported_as_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.database.BUSY_TIMEOUT_SECONDS", 0.05)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Locked, match=r"a\.db\. Close it and start again"):
            await Database.open(tmp_path / "a.db")


async def test_a_long_read_sees_committed_data_and_cannot_write(database: Database) -> None:
    await database.write(lambda db: db.execute(write("here")))
    assert await database.long_read(lambda db: db.execute("SELECT count(*) FROM notes").fetchone()[0]) == 1
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.long_read(lambda db: db.execute(write("there")))


async def test_the_database_stores_the_number_of_its_migrations(database: Database) -> None:
    version = await database.read(lambda db: db.execute("PRAGMA user_version").fetchone()[0])
    assert version == len(list(MIGRATIONS.glob("*.sql")))


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 999")
    with pytest.raises(AtelierError, match="has version 999"):
        await Database.open(path)


async def test_a_file_that_is_not_a_database_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "diary.db"
    path.write_bytes(b"a diary, not a database" * 100)
    with pytest.raises(AtelierError, match="Move the file away"):
        await Database.open(path)


async def test_a_store_in_memory_needs_no_file(job: Callable[..., Job]) -> None:
    async with Store.open(":memory:") as store:
        await store.admit(job())
        assert len(await store.unfinished_jobs()) == 1
