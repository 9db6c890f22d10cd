"""Work beside the main road, for as long as that is open: what fails is told in the log and begun again."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

log = structlog.get_logger()

BackgroundTask = Coroutine[Any, Any, None]

BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds before a try, by how many failed before it."""
STABLE_AFTER_SECONDS = 60.0
"""Seconds after which a failure is not one of a row."""


def backoff(failures: int) -> float:
    """Seconds before the next try after so many failed in a row."""
    return BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]


@asynccontextmanager
async def running_in_background(*duties: BackgroundTask) -> AsyncIterator[None]:
    """Until this closes, and they have ended, so that none is still at what closes next."""
    tasks = [asyncio.create_task(duty) for duty in duties]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def restart_forever(name: str, duty: Callable[[], BackgroundTask]) -> None:
    """Until cancelled: `duty`, which has no end of its own, begun again whenever it fails."""
    failures = 0
    while True:
        begun = time.monotonic()
        try:
            await duty()
        except Exception:
            log.exception("a duty failed and is begun again", duty=name)
        failures = 1 if time.monotonic() - begun > STABLE_AFTER_SECONDS else failures + 1
        await asyncio.sleep(backoff(failures))
