"""The data folder: made where it is not there, and held by one studio alone."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from engine.core.errors import AtelierError

log = structlog.get_logger()

LOCK = "lock"


@contextmanager
def lock_data_dir(folder: Path) -> Iterator[None]:
    """Until this closes or the process ends, however it does.

    Raises AtelierError where the folder cannot be made or written, or another studio, which would run the same jobs,
    holds it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _keep_private(folder)
        lock = (folder / LOCK).open("a")
    except OSError as error:
        raise AtelierError(
            "The data folder {folder} cannot be written: {reason}. Mend that, or name another in bot.data_dir.",
            folder=str(folder),
            reason=error.strerror or type(error).__name__,
        ) from None
    with lock:
        _take(lock.fileno(), folder)
        yield


def _keep_private(folder: Path) -> None:
    """Let only the owner look into the folder. Where that cannot be changed, the log says so."""
    try:
        folder.chmod(0o700)
    except OSError as error:
        log.warning("others may read the data folder: its rights cannot be changed", folder=str(folder), why=str(error))


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AtelierError(
            "Another studio works in the data folder {folder}. Stop it first, or name another folder in bot.data_dir.",
            folder=str(folder),
        ) from None
    except OSError as error:  # as on some network drives
        log.warning("the data folder cannot be locked: see that only one studio uses it", why=error.strerror)
