"""Measure a GPU whose memory another program takes: what happens to a picture, and to the next one.

    python -m bench.gpu_ladder

This process takes all but some gigabytes of the GPU's memory, and a real worker draws with the rest. SDXL has random
weights in its real sizes. The worker's log on stderr shows each step that it takes.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.lib import gpu_device
from bench.lib.report import say
from bot.jobs.coalescing import JobCoalescer
from bot.jobs.lifecycle import run_unstored
from engine.core.job import Done, Failed, Job
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from engine.tasks.imagine.params import Params

LEFT = (15.0, 11.0, 9.5, 8.5, 7.5, 4.0)
"""Gigabytes of the card that the worker may have at most."""
BESIDE = (4.0, 0.5, 0.1)
PIECE = 1 << 26
BUDGET = 15_000_000_000


@contextmanager
def taken_but(left: float) -> Iterator[None]:
    """Take all but `left` gigabytes of the GPU's memory."""
    import torch

    held = []
    while torch.cuda.mem_get_info()[0] > left * 1e9 + PIECE:
        held.append(torch.empty(PIECE, dtype=torch.uint8, device="cuda"))
    try:
        yield
    finally:
        held.clear()
        torch.cuda.empty_cache()


async def ask(engine: Engine, word: str, **more: object) -> Done | Failed:
    """Run one picture and return its last update."""
    params = Params.model_validate({"prompt": word, "seed": 1} | more).model_dump(mode="json")
    job = Job(command="imagine", task="imagine", params=params, key=word, user="web:1", origin="")
    last = await run_unstored(JobCoalescer(engine), job)  # which runs it again when the worker restarts
    assert isinstance(last, Done | Failed), last
    return last


async def print_outcome(engine: Engine, name: str, word: str, **more: object) -> None:
    """Print what happened to a picture."""
    started = time.perf_counter()
    answer = await ask(engine, word, **more)
    if isinstance(answer, Done):
        notes = " ".join(str(note) for note in answer.result.notes) or "as usual"
        said = f"drawn: {notes}"
    else:
        said = f"refused: {answer.sentence}"
    say(name, time.perf_counter() - started, said)


async def cold(host: HostSettings, left: float) -> None:
    """Take the memory before any model is loaded."""
    async with Engine.open(host) as engine:
        await engine.service("imagine")
        with taken_but(left):
            await print_outcome(engine, f"cold, {left} GB left, s", f"cold {left}")
        await print_outcome(engine, "  then, with all of it free, s", f"after {left}")


async def warm(host: HostSettings, left: float) -> None:
    """Take the memory after SDXL is loaded and recorded, then ask for a larger picture."""
    async with Engine.open(host) as engine:
        await engine.service("imagine")
        await ask(engine, "warm")
        with taken_but(left):
            await print_outcome(engine, f"warm, {left} GB left beside it, s", f"warm {left}", shape="wide", count=4)
            await print_outcome(engine, "  the same again, s", f"again {left}", shape="wide", count=4)
        await print_outcome(engine, "  then, with all of it free, s", f"after {left}", shape="wide", count=4)


def main() -> None:
    """Measure both cases."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cold", type=float, nargs="*", default=LEFT, help="gigabytes that a cold worker may have")
    parser.add_argument("--warm", type=float, nargs="*", default=BESIDE, help="gigabytes left beside a warm one")
    given = parser.parse_args()
    if not gpu_device.has_gpu():
        return
    with gpu_device.studio(BUDGET) as settings:
        host = HostSettings(
            devices=("cuda:0",), worker=WorkerSettings(models=settings.models, folder=settings.folder, memory=BUDGET)
        )
        for left in given.cold:
            asyncio.run(cold(host, left))
        for left in given.warm:
            asyncio.run(warm(host, left))


if __name__ == "__main__":
    main()
