"""One SQLite connection on the thread of aiosqlite.

A write is a plain function that runs on this thread in one go. So nothing can come between its statements, a cancelled
caller cannot leave it half done, and it needs one change of thread instead of one for each statement: four inserts
take 0.11 ms instead of 0.53 ms. Writes that arrive while the thread is busy are committed together, each under a
savepoint of its own, so that they all share one wait for the disk.
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

DISK_FULL_CODES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""SQLite's error codes for a full disk. It reports the second one if even the index of its log does not fit."""
LOCKED_MESSAGE = "Another program is using the studio's database. Ask an admin to close it, then try again."
BUSY_TIMEOUT_SECONDS = 5.0
"""Seconds that a write waits for another program to release the database."""

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass
class _WriteTask:
    """A write that waits for its turn, and afterwards its return value or its error."""

    function: Callable[[sqlite3.Connection], Any]
    durable: bool
    value: Any = None
    error: Exception | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        """Run the function under a savepoint and undo all of it if it raises.

        Raises only errors after which SQLite has rolled the whole transaction back.
        """
        connection.execute("SAVEPOINT change")
        try:
            self.value = self.function(connection)
        except Exception as error:  # the caller gets it from `result`
            if not connection.in_transaction:
                raise  # SQLite has rolled the whole transaction back, as it does when the disk is full
            self.error = error
            connection.execute("ROLLBACK TO change")
        connection.execute("RELEASE change")

    def result(self) -> Any:
        """Return the function's return value, or raise its error."""
        if self.error is not None:
            raise self.error
        return self.value


class Database:
    """The open database. `read`, `long_read` and `write` call a function with a connection and return its result."""

    def __init__(self, path: Path | str, connection: aiosqlite.Connection) -> None:
        self._path = str(path)
        self._connection = connection
        self._waiting: deque[_WriteTask] = deque()

    @classmethod
    async def open(cls, path: Path | str) -> Self:
        """Open the file, or create it, in WAL mode and apply the migrations. `":memory:"` keeps everything in memory.

        Raises AtelierError if the file cannot be opened, is not a database, or was written by a newer version.
        """
        connection = None
        if path != ":memory:":
            await asyncio.to_thread(_make_private, Path(path))
        try:
            connection = await aiosqlite.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS)
            database = cls(path, connection)
            await database.read(_prepare)
        except BaseException as error:
            if connection is not None:
                await connection.close()
            if isinstance(error, sqlite3.DatabaseError):
                raise _open_error(path, error) from error
            raise
        return database

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a short query on the connection's thread and return its result."""
        connection = self._connection
        # aiosqlite's public methods cost one change of thread each; this is the method that they all call.
        running = connection._execute(lambda: query(connection._conn))  # type: ignore[no-untyped-call]  # noqa: SLF001
        value: T = await asyncio.shield(running)
        return value

    async def long_read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a long query over the committed data in a thread with its own connection, so that no job waits for it."""
        if self._path == ":memory:":
            return await self.read(query)
        return await asyncio.to_thread(self._read_on_new_connection, query)

    async def write(self, function: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Run `function`, which changes data, and return its result. If it raises, all of its changes are undone.

        The write is done even if its caller is cancelled. A `durable` write is on the disk when this returns; any other
        can be lost in a power cut, but not in a crash of the program. Raises DiskFull if the disk is full, and Locked
        if another program locks the database for longer than BUSY_TIMEOUT_SECONDS.
        """
        task = _WriteTask(function, durable)
        self._waiting.append(task)
        try:
            await self.read(self._run_waiting)
            value: T = task.result()
        except sqlite3.OperationalError as error:
            if _primary(error) in DISK_FULL_CODES:
                raise disk_full() from error
            if _primary(error) == sqlite3.SQLITE_BUSY:
                raise Locked(LOCKED_MESSAGE) from error
            raise
        return value

    def _read_on_new_connection(self, query: Callable[[sqlite3.Connection], T]) -> T:
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            return query(connection)

    def _run_waiting(self, connection: sqlite3.Connection) -> None:
        """Run all waiting writes. If none waits, an earlier call has already run the write of this caller."""
        tasks = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not tasks:
            return
        try:
            _commit(connection, tasks)
        except Exception as error:  # noqa: BLE001  # every caller gets the error from its task
            for task in tasks:
                task.error = error


def _make_private(path: Path) -> None:
    """Let only its owner read the database, which contains people's prompts and the key that signs links.

    SQLite gives its log and its index the permissions of the database. If they cannot be changed, as on some mounted
    drives, a warning is logged. If the file cannot be created, SQLite reports that afterwards.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError:
        return
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        try:
            file.chmod(0o600)
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning(
                "other users of this machine may be able to read the database: cannot set its permissions",
                file=str(file),
                why=str(error),
            )


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection)


def _primary(error: sqlite3.Error) -> int:
    """Return the primary result code of the error: https://sqlite.org/rescode.html#primary_result_codes_versus_extended_result_codes."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _open_error(path: Path | str, error: sqlite3.DatabaseError) -> AtelierError:
    if _primary(error) == sqlite3.SQLITE_BUSY:
        return Locked("Another program is using the database {path}. Close it and start again.", path=str(path))
    return AtelierError(
        "Cannot open {path} as a database: {reason}. Move the file away, or set another data_dir.",
        path=str(path),
        reason=str(error),
    )


def _commit(connection: sqlite3.Connection, tasks: list[_WriteTask]) -> None:
    """Run the writes in one transaction, which waits for the disk if any of them is durable."""
    synchronous = "FULL" if any(task.durable for task in tasks) else "NORMAL"
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for task in tasks:
            task.run(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the files in `migrations/` that were not applied to the database yet, each in one transaction.

    Raises AtelierError if the database was written by a newer version of the program.
    """
    steps = sorted(MIGRATIONS.glob("[0-9]*.sql"))
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(steps):
        raise AtelierError(
            "The database has version {version}, but this program only knows versions up to {known}. Update Atelier.",
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
