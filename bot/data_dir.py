"""The data folder: create it, and lock it against a second studio."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from engine.core.errors import AtelierError

log = structlog.get_logger()

LOCK_NAME = "lock"
"""The file in the data folder that is locked."""


@contextmanager
def lock_data_dir(folder: Path) -> Iterator[None]:
    """Create the data folder and hold its lock until the context closes or the process ends.

    Raises AtelierError if the folder cannot be created or written, or if another studio holds the lock: two studios
    would run the same jobs.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _keep_private(folder)
        lock = (folder / LOCK_NAME).open("a")
    except OSError as error:
        raise AtelierError(
            "Cannot write to the data folder {folder}: {reason}. Fix that, or set another folder in bot.data_dir.",
            folder=str(folder),
            reason=error.strerror or type(error).__name__,
        ) from None
    with lock:
        _lock_exclusively(lock.fileno(), folder)
        yield


def _keep_private(folder: Path) -> None:
    """Make the folder readable to its owner only, or log a warning if its permissions cannot be changed."""
    try:
        folder.chmod(0o700)
    except OSError as error:
        log.warning(
            "other users may be able to read the data folder: its permissions cannot be changed",
            folder=str(folder),
            why=str(error),
        )


def _lock_exclusively(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AtelierError(
            "Another studio is using the data folder {folder}. Stop it first, or set another folder in bot.data_dir.",
            folder=str(folder),
        ) from None
    except OSError as error:  # as on some network drives
        log.warning("the data folder cannot be locked; make sure that only one studio uses it", why=error.strerror)
