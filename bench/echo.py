"""Measure the cost around a task: an echo job through service, SQLite and worker, compared with arq and LitServe.

arq stores a job in Redis and runs it in a worker process, so it is the closest peer. LitServe stores nothing. Goals: a
median under 4 ms one at a time, and at least 300 jobs per second with 64 at a time.
"""

import asyncio
import contextlib
import os
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from typing import TypeVar

import aiohttp
from arq import create_pool
from arq.connections import RedisSettings

from bench.lib.app import ask, open_studio

ALONE = 300
TOGETHER = 1500
IN_FLIGHT = 64
REDIS_PORT = 16379
LITSERVE_PORT = 18765

T = TypeVar("T")
Once = Callable[[int], Awaitable[object]]


@asynccontextmanager
async def atelier() -> AsyncIterator[Once]:
    """Open Atelier and yield a function that runs one echo."""
    async with open_studio() as service:
        yield lambda number: ask(service, number)


@asynccontextmanager
async def arq() -> AsyncIterator[Once]:
    """Start Redis and arq's worker, and yield a function that runs one echo."""
    with TemporaryDirectory() as folder:
        redis = ["redis-server", "--port", str(REDIS_PORT), "--dir", folder, "--save", "", "--appendonly", "no"]
        async with (
            run_program(redis),
            run_program([sys.executable, "-m", "arq", "bench.lib.arq_worker.WorkerSettings"]),
        ):
            pool = await reachable(lambda: create_pool(RedisSettings(port=REDIS_PORT)))

            async def once(number: int) -> object:
                job = await pool.enqueue_job("echo", str(number))
                assert job is not None
                return await job.result(poll_delay=0.001)

            await once(-1)
            yield once
            await pool.aclose()


@asynccontextmanager
async def litserve() -> AsyncIterator[Once]:
    """Start LitServe, and yield a function that runs one echo."""
    url = f"http://127.0.0.1:{LITSERVE_PORT}/predict"
    server = [sys.executable, "-m", "bench.lib.litserve_server", str(LITSERVE_PORT)]
    async with run_program(server), aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

        async def once(number: int) -> object:
            async with session.post(url, json={"text": str(number)}) as answer:
                return await answer.json()

        await reachable(lambda: once(-1))
        yield once


@asynccontextmanager
async def run_program(command: list[str]) -> AsyncIterator[None]:
    """Run a program in the background, and kill it with its children at the end."""
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # LitServe leaves children of its own behind
        await process.wait()


async def reachable(connect: Callable[[], Awaitable[T]], seconds: float = 60) -> T:
    """Call `connect` until it succeeds, and return its result. Raises TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await connect()
            except (OSError, aiohttp.ClientError):
                await asyncio.sleep(0.1)


async def measure_latency(once: Once) -> list[float]:
    """Return the milliseconds of each of ALONE jobs, one after the other."""
    times = []
    for number in range(ALONE):
        started = time.perf_counter()
        await once(number)
        times.append((time.perf_counter() - started) * 1000)
    return times


async def measure_throughput(once: Once) -> float:
    """Return the jobs per second with IN_FLIGHT jobs at a time."""
    numbers = iter(range(ALONE, ALONE + TOGETHER))

    async def one_after_the_other() -> None:
        for number in numbers:
            await once(number)

    started = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))
    return TOGETHER / (time.perf_counter() - started)


async def main() -> None:
    """Measure all peers and print the table."""
    print(f"{'an echo job':<34} {'p50 ms':>8} {'p95 ms':>8} {'jobs/s, 64 in flight':>22}")
    peers = {"Atelier (SQLite, worker process)": atelier, "arq (Redis, worker process)": arq}
    for name, peer in {**peers, "LitServe (keeps nothing)": litserve}.items():
        async with peer() as once:
            times, rate = await measure_latency(once), await measure_throughput(once)
        high = statistics.quantiles(times, n=20)[-1]
        print(f"{name:<34} {statistics.median(times):>8.2f} {high:>8.2f} {rate:>22,.0f}")


if __name__ == "__main__":
    asyncio.run(main())
