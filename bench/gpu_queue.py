"""Measure several users at once on a GPU, through the queue and a worker: pictures per second, and GPU memory."""

import asyncio
import statistics
import time

from bench.lib import gpu_device as card
from bench.lib.report import finish, say
from bot.jobs.coalescing import JobCoalescer
from bot.jobs.lifecycle import run_unstored
from engine.core.job import Done, Job
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from engine.tasks.imagine.params import Params

BUDGET, SMALL = 15_000_000_000, 8_000_000_000
PEOPLE, JOBS = 32, 500
MOST, STEADY = 240.0, 75.0
"""Seconds that the compiler may take, and without a gain that show that it is done."""


async def ask(engine: Engine, number: int, word: str) -> Done:
    """Run one picture and return its last update."""
    params = Params(prompt=f"{word} {number}", seed=number).model_dump(mode="json")
    job = Job(
        command="imagine",
        task="imagine",
        params=params,
        key=f"{word}{number}",
        user=f"web:{number % PEOPLE}",
        origin="",
    )
    last = await run_unstored(JobCoalescer(engine), job)  # which runs it again when its worker dies
    assert isinstance(last, Done), last
    return last


async def all_of(engine: Engine, count: int, word: str) -> float:
    """Return the pictures per second of a queue that is filled before its first job starts."""
    engine.device_queue.mode = "paused"
    asked = [asyncio.create_task(ask(engine, number, word)) for number in range(count)]
    while len(engine.device_queue) < count:  # noqa: ASYNC110  # the queue has no event for its length
        await asyncio.sleep(0)
    started = time.perf_counter()
    engine.device_queue.mode = "open"
    await asyncio.gather(*asked)
    return count / (time.perf_counter() - started)


async def wait_until_compiled(engine: Engine) -> None:
    """Draw until the rate stops growing, since the worker compiles in the background."""
    best, since, started = 0.0, time.monotonic(), time.monotonic()
    while time.monotonic() - since < STEADY and time.monotonic() - started < MOST:
        rate = await all_of(engine, PEOPLE, f"warm {time.monotonic()}")
        best, since = (rate, time.monotonic()) if rate > 1.05 * best else (best, since)


async def queue(settings: WorkerSettings) -> None:
    """Measure several users at once."""
    import pynvml

    pynvml.nvmlInit()
    card = pynvml.nvmlDeviceGetHandleByIndex(0)
    host = HostSettings(
        devices=("cuda:0",),
        worker=WorkerSettings(models=settings.models, idle=15.0, folder=settings.folder, memory=BUDGET),
    )
    async with Engine.open(host) as engine:
        await engine.service("imagine")
        await all_of(engine, PEOPLE, "warm")
        say(f"queue of {JOBS} while it compiles, pictures/s", await all_of(engine, JOBS, "many"))
        await wait_until_compiled(engine)
        rates = [await all_of(engine, PEOPLE, f"queue {turn} ") for turn in range(5)]
        say(f"queue of {PEOPLE} people, pictures/s", statistics.median(rates), "aim 10")
        for turn in ("first", "second"):
            held = pynvml.nvmlDeviceGetMemoryInfo(card).used
            say(f"{turn} {JOBS} jobs once compiled, pictures/s", await all_of(engine, JOBS, f"{turn} many"))
            grown = (pynvml.nvmlDeviceGetMemoryInfo(card).used - held) / 1e6
            say(f"card's memory grown over the {turn} {JOBS}, MB", grown)
        say("card's memory in use, GB", pynvml.nvmlDeviceGetMemoryInfo(card).used / 1e9)
        await asyncio.sleep(21)
        say("card's memory once idle, GB", pynvml.nvmlDeviceGetMemoryInfo(card).used / 1e9, "as nvidia-smi shows it")


async def small(settings: WorkerSettings) -> None:
    """Measure a worker that is limited to 8 GB of the GPU."""
    host = HostSettings(
        devices=("cuda:0",), worker=WorkerSettings(models=settings.models, folder=settings.folder, memory=SMALL)
    )
    async with Engine.open(host) as engine:
        await engine.service("imagine")
        await ask(engine, 0, "small")
        started = time.perf_counter()
        made = [await ask(engine, turn, "smaller") for turn in range(3)]
        spent = 1000 * (time.perf_counter() - started) / 3
        say("held to 8 GB, ms", spent, " ".join(str(note) for note in made[0].result.notes))


def main() -> None:
    """Measure both cases."""
    model = card.model_argument()
    if not card.has_gpu():
        return
    with card.studio(BUDGET, model) as settings:
        asyncio.run(queue(settings))
        asyncio.run(small(settings))
    finish()


if __name__ == "__main__":
    main()
