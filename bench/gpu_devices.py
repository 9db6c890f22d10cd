"""Measure several cards of one machine: pictures a second with one worker and with all, and a worker that is killed.

    python -m bench.gpu_devices [--model FOLDER]

Both rates come from the same run. Random weights of SDXL's real sizes are used unless a checkpoint is named.
"""

import asyncio
import os
import signal
import statistics
import time

from bench.gpu_queue import BUDGET, all_of, ask, wait_until_compiled
from bench.lib import gpu_device
from bench.lib.report import finish, say
from engine.core.devices import devices
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings

PEOPLE, ROUNDS = 64, 5


async def wait_until_ready(engine: Engine) -> None:
    """Return once every worker takes jobs."""
    while not all(worker.ready for worker in engine.state().workers):  # noqa: ASYNC110  # no event tells of all of them
        await asyncio.sleep(0.1)


async def measure_rate(settings: WorkerSettings, cards: tuple[str, ...]) -> float:
    """Return the median of pictures a second of a queue of PEOPLE jobs."""
    host = HostSettings(
        devices=cards, worker=WorkerSettings(models=settings.models, folder=settings.folder, memory=BUDGET)
    )
    async with Engine.open(host) as engine:
        await wait_until_ready(engine)
        await all_of(engine, PEOPLE, "warm")
        started = time.perf_counter()
        await wait_until_compiled(engine)
        say(f"{len(cards)} worker(s): seconds until the rate was steady", time.perf_counter() - started)
        rates = [await all_of(engine, PEOPLE, f"turn {turn} of {len(cards)} ") for turn in range(ROUNDS)]
        if len(cards) > 1:
            await kill_one(engine)
    rate = statistics.median(rates)
    say(f"{len(cards)} worker(s): pictures/s, queue of {PEOPLE}", rate, f"{min(rates):.2f} to {max(rates):.2f}")
    return rate


async def kill_one(engine: Engine) -> None:
    """Kill the last worker in the middle of a queue, and count what came of the jobs."""
    jobs = [asyncio.create_task(ask(engine, number, "killed")) for number in range(PEOPLE)]
    while sum(job.done() for job in jobs) < PEOPLE // 4:  # noqa: ASYNC110  # jobs end by themselves
        await asyncio.sleep(0.01)
    victim = engine.state().workers[-1]
    assert victim.pid is not None
    say("jobs on the worker that is killed", len(victim.running))
    os.kill(victim.pid, signal.SIGKILL)
    done = await asyncio.gather(*jobs)
    files = {each.result.media[0].path for each in done}
    say("jobs done after kill -9 of one worker", len(done), f"of {PEOPLE}, {len(files)} different pictures")


async def compare(settings: WorkerSettings) -> None:
    cards = devices("auto")
    one = await measure_rate(settings, cards[:1])
    every = await measure_rate(settings, cards)
    say(f"{len(cards)} workers against one, times", every / one)


def main() -> None:
    model = gpu_device.model_argument()
    if not gpu_device.has_gpu():
        return
    if len(devices("auto")) < 2:
        print("There is only one NVIDIA GPU here, so there is nothing to compare.")
        return
    with gpu_device.studio(BUDGET, model) as settings:
        asyncio.run(compare(settings))
    finish()


if __name__ == "__main__":
    main()
