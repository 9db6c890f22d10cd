"""Measure how long the service takes to return a cached result, with few and with many entries.

The time runs from the request to its last update. Goals: a median under 2 ms with 100,000 entries, and at most 1.5
times that of 1,000.
"""

import asyncio
import random
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.cache import FILES, HITS, SIZES, TURNS, fill, pictures, show, took
from bench.lib.app import ask, open_studio
from bot.requests.service import Service
from engine.core.job import Done, Job, key_of
from engine.tasks.echo import Params


def job(number: int) -> Job:
    """Return the job that `ask` creates for this number."""
    params = Params(text=str(number)).model_dump(mode="json")
    key = key_of("echo", 1, "echo", params)
    return Job(command="echo", task="echo", params=params, key=key, user="web:bench", origin="bench")


async def hit(service: Service, number: int) -> None:
    """Ask for a cached result."""
    update = await ask(service, number)
    assert isinstance(update, Done)
    assert update.cached


async def main() -> None:
    """Measure services of all sizes and print the table."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        media = pictures(folder)
        assert len(media) == FILES
        services = {size: await stack.enter_async_context(open_studio(sys.maxsize)) for size in SIZES}
        for size, service in services.items():
            await fill(service.studio.store, [job(number) for number in range(size)], media)
        times: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(TURNS):  # in turns, so that a busy moment of the machine falls on every size
            for size, service in services.items():
                times[size] += [await took(hit(service, random.randrange(size))) for _ in range(HITS)]
    show("service.handle, a hit", times)


if __name__ == "__main__":
    asyncio.run(main())
