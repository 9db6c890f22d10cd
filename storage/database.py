"""One SQLite connection on aiosqlite's thread.

A change is a plain function over the connection, run there in one go: nothing can come between its statements, a
cancelled caller cannot leave it half made, and it costs one change of thread instead of one a statement (measured with
four inserts: 0.11 ms, against 0.53 ms one by one). Changes that came while the thread was busy are committed
together, each under a savepoint of its own, so that one wait for the disk serves them all.
"""

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite
import structlog

from engine.core.errors import AtelierError, Locked, disk_full

T = TypeVar("T")
log = structlog.get_logger()

NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""What SQLite says of a full disk; the second where not even the index of its log has room."""
HELD = "Another program holds the studio's database. Ask an admin to close it, then try again."
BUSY_TIMEOUT_SECONDS = 5.0
"""Seconds that a change waits for another program to let go of the database."""

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass
class _WriteTask:
    move: Callable[[sqlite3.Connection], Any]
    durable: bool
    answer: Any = None
    error: Exception | None = None

    def make(self, connection: sqlite3.Connection) -> None:
        """Make the change or none of it. Raises only what ends the whole transaction."""
        connection.execute("SAVEPOINT change")
        try:
            self.answer = self.move(connection)
        except Exception as error:  # it is the caller's
            if not connection.in_transaction:
                raise  # SQLite gave the whole transaction up, as on a full disk
            self.error = error
            connection.execute("ROLLBACK TO change")
        connection.execute("RELEASE change")

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.answer


class Database:
    """Opened with `open`; `read`, `long_read` and `write` run a function over a connection."""

    def __init__(self, path: Path | str, connection: aiosqlite.Connection) -> None:
        self._path = str(path)
        self._connection = connection
        self._waiting: deque[_WriteTask] = deque()

    @classmethod
    async def open(cls, path: Path | str) -> Self:
        """Open or make the file, in WAL mode, and bring its tables up to date. `":memory:"` keeps nothing.

        Raises AtelierError for a file that cannot be opened, is no database, or was written by a newer version.
        """
        connection = None
        if path != ":memory:":
            await asyncio.to_thread(_keep_private, Path(path))
        try:
            connection = await aiosqlite.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS)
            database = cls(path, connection)
            await database.read(_prepare)
        except BaseException as error:
            if connection is not None:
                await connection.close()
            if isinstance(error, sqlite3.DatabaseError):
                raise _unfit(path, error) from error
            raise
        return database

    async def close(self) -> None:
        await self._connection.close()

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connection
        # aiosqlite's own methods cost a change of thread each; this is what they all call.
        running = connection._execute(lambda: query(connection._conn))  # type: ignore[no-untyped-call]  # noqa: SLF001
        answer: T = await asyncio.shield(running)
        return answer

    async def long_read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """A long read of what is committed, on a connection and a thread of its own, so that no job waits for it."""
        if self._path == ":memory:":
            return await self.read(query)
        return await asyncio.to_thread(self._beside, query)

    async def write(self, move: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Make the change that `move` is, all of it or, where it raises, none.

        Once asked for it is made, though its caller be cancelled. A `durable` change is on the disk when this returns;
        any other may be lost to a power cut, never to a crash. Raises DiskFull where the disk takes nothing more, and
        Locked where another program holds the database for longer than PATIENCE.
        """
        change = _WriteTask(move, durable)
        self._waiting.append(change)
        try:
            await self.read(self._make_waiting)
            answer: T = change.result()
        except sqlite3.OperationalError as error:
            if _primary(error) in NO_ROOM:
                raise disk_full() from error
            if _primary(error) == sqlite3.SQLITE_BUSY:
                raise Locked(HELD) from error
            raise
        return answer

    def _beside(self, query: Callable[[sqlite3.Connection], T]) -> T:
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            return query(connection)

    def _make_waiting(self, connection: sqlite3.Connection) -> None:
        """Whatever waits; where that is nothing, an earlier call made this caller's change with its own."""
        changes = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not changes:
            return
        try:
            _commit(connection, changes)
        except Exception as error:  # noqa: BLE001  # whatever it is, those who wait are told
            for change in changes:
                change.error = error


def _keep_private(path: Path) -> None:
    """Let only the owner read the database, which holds people's words and the key that signs links.

    SQLite gives its log and its index the rights of the database. Where they cannot be changed, as on some mounted
    drives, the log says so. A file that cannot be made is left for SQLite to tell of.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError:
        return
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        try:
            each.chmod(0o600)
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("others may read the database: its rights cannot be changed", file=str(each), why=str(error))


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection)


def _primary(error: sqlite3.Error) -> int:
    """The error's code without what makes it more special: https://sqlite.org/rescode.html#primary_result_codes_versus_extended_result_codes."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _unfit(path: Path | str, error: sqlite3.DatabaseError) -> AtelierError:
    if _primary(error) == sqlite3.SQLITE_BUSY:
        return Locked("Another program holds the database {path}. Close it, then start again.", path=str(path))
    return AtelierError(
        "{path} cannot be opened as the database: {reason}. Move it aside, or name another data_dir.",
        path=str(path),
        reason=str(error),
    )


def _commit(connection: sqlite3.Connection, changes: list[_WriteTask]) -> None:
    safety = "FULL" if any(change.durable for change in changes) else "NORMAL"
    connection.execute(f"PRAGMA synchronous = {safety}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for change in changes:
            change.make(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the files of `migrations/` that the database has not seen, each in one transaction."""
    steps = sorted(MIGRATIONS.glob("[0-9]*.sql"))
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(steps):
        raise AtelierError(
            "The database has version {version}, this program knows {known}. Update the program.",
            version=version,
            known=len(steps),
        )
    for number, step in enumerate(steps[version:], version + 1):
        script = step.read_text(encoding="utf-8")
        try:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
