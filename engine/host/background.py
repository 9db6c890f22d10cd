"""Background tasks that run for as long as a context is open, restarting after a failure."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

log = structlog.get_logger()

BackgroundTask = Coroutine[Any, Any, None]

BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds to wait before a restart, indexed by the number of failures in a row."""
STABLE_AFTER_SECONDS = 60.0
"""Seconds of running after which the next failure counts as the first in a row."""


def backoff(failures: int) -> float:
    """Return the seconds to wait before the next try after so many failures in a row."""
    return BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]


@asynccontextmanager
async def running_in_background(*coroutines: BackgroundTask) -> AsyncIterator[None]:
    """Run the coroutines while the context is open.

    On exit, cancel them and wait until they have ended, so that none still uses a resource that is closed next.
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def restart_forever(name: str, start: Callable[[], BackgroundTask]) -> None:
    """Run `start()` until cancelled. Log each failure under `name` and start again after a backoff."""
    failures = 0
    while True:
        started = time.monotonic()
        try:
            await start()
        except Exception:
            log.exception("background task failed and will be restarted", task=name)
        failures = 1 if time.monotonic() - started > STABLE_AFTER_SECONDS else failures + 1
        await asyncio.sleep(backoff(failures))
