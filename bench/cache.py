"""Measure how long the store takes to return a cached result, with few and with many entries.

    python -m bench.cache [ENTRIES...]

A hit is one call of `Store.admit`: it finds the entry, reads and hashes its file, writes the row and updates the
counters. Goals: a median under 2 ms with 100,000 entries, and at most 1.5 times that of 1,000.
"""

import asyncio
import os
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from engine.core.job import Job, Media, Result, key_of
from engine.media.files import keep
from storage import cache, jobs
from storage.store import Limit, Rate, Store

SIZES = (1_000, 100_000)
HITS = 500
TURNS = 3
PICTURE = 300_000
"""Bytes, about those of a PNG of 512 by 512 pixels."""
FILES = 64
LIMITS = [Limit("web:bench", "imagine", Rate(10, 60)), Limit("address:127.0.0.1", "imagine", Rate(10, 60))]


def request(number: int) -> Job:
    """Return a request for the picture that `fill` stored under this number."""
    params = {"prompt": f"picture {number}", "seed": number}
    key = key_of("imagine", 1, "bench", params)
    return Job(command="imagine", task="imagine", params=params, key=key, user="web:bench", origin="bench")


def pictures(folder: Path) -> list[Media]:
    """Store random files and return them."""
    return [keep(os.urandom(PICTURE), folder, ".png") for _ in range(FILES)]


async def fill(store: Store, requests: Sequence[Job], media: Sequence[Media]) -> None:
    """Store a result for each request, and the finished row of its job, in one transaction."""

    def enter(db: sqlite3.Connection) -> None:
        for number, job in enumerate(requests):
            result = Result(media=(media[number % len(media)],), facts=job.params)
            at = job.created - len(requests) + number
            jobs.insert(db, job, "done", started=at, ended=at + 1, result=result.model_dump_json())
            cache.put(db, job.key, result, sys.maxsize, at)

    await store._database.write(enter)  # 100,000 transactions would take minutes


async def took(work: Awaitable[object]) -> float:
    """Await `work` and return the milliseconds that it took."""
    started_at = time.perf_counter()
    await work
    return (time.perf_counter() - started_at) * 1000


def show(what: str, rows: Mapping[int, Sequence[float]]) -> None:
    """Print a table of milliseconds by number of entries. `ratio` is relative to the median of the first row."""
    first = statistics.median(next(iter(rows.values())))
    print(f"{what:<24} {'entries':>8} {'p50 ms':>8} {'p95 ms':>8} {'ratio':>6}")
    for entries, times in rows.items():
        middle, high = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        print(f"{'':<24} {entries:>8,} {middle:>8.3f} {high:>8.3f} {middle / first:>6.2f}")


async def others(store: Store) -> dict[str, list[float]]:
    """Measure other queries of a full store: a job that is not cached, and statistics."""
    times: dict[str, list[float]] = {"admit, a miss": [], "start": [], "finish": [], "stats of all time": []}
    for number in range(200):
        job = request(-1 - number)
        times["admit, a miss"].append(await took(store.admit(job)))
        times["start"].append(await took(store.start(job.id, "cpu")))
        times["finish"].append(await took(store.finish(job.id, Result(text="done"), 1.0)))
    for _ in range(5):
        times["stats of all time"].append(await took(store.stats(0)))
    return times


async def main(sizes: Sequence[int]) -> None:
    """Measure stores of the given sizes and print the tables."""
    with TemporaryDirectory() as name:
        media = pictures(Path(name) / "media")
        async with AsyncExitStack() as stack:
            stores: dict[int, Store] = {}
            for size in sizes:
                opened = Store.open(Path(name) / f"{size}.db", cache_bytes=sys.maxsize)
                stores[size] = await stack.enter_async_context(opened)
                await fill(stores[size], [request(number) for number in range(size)], media)
            hits: dict[int, list[float]] = {size: [] for size in sizes}
            for _ in range(TURNS):  # in turns, so that a busy moment of the machine falls on every size
                for size, store in stores.items():
                    chosen = [request(random.randrange(size)) for _ in range(HITS)]
                    hits[size] += [await took(store.admit(job, LIMITS)) for job in chosen]
            assert all([(await store.cache_stats()).hits == TURNS * HITS for store in stores.values()])
            show("store.admit, a hit", hits)
            for what, times in (await others(stores[sizes[-1]])).items():
                show(what, {sizes[-1]: times})


if __name__ == "__main__":
    asyncio.run(main([int(word) for word in sys.argv[1:]] or SIZES))
