"""Measure how long a cancellation takes, by task and stage: until the user is told, and until the device is free.

Goals: both within a second, and the worker survives. A model that is being loaded is loaded to the end and stays for
the next job. Pocket stands for a task with a model.
"""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from bench.lib.app import echo, open_studio
from bot.commands.imagine import imagine
from bot.core.command import Request
from bot.requests.service import Service
from engine.core.job import Failed, Progress, Queued, Started, Update

TURNS = 6
WEIGHTS = Path("data/weights").resolve()
NUMBERS = count()
PATIENCE = 30.0


@dataclass(frozen=True)
class Stage:
    """When to cancel: `later` seconds after the first update that matches."""

    name: str
    kind: type[Update]
    stage: str = ""
    least: float = 0.0
    later: float = 0.0

    def fits(self, update: Update) -> bool:
        """Return whether the update is the one to wait for."""
        if not isinstance(update, self.kind):
            return False
        return not isinstance(update, Progress) or (update.stage == self.stage and update.fraction >= self.least)


SLOW_ECHO: Mapping[str, Any] = {"seconds": 60}
PICTURES: Mapping[str, Any] = {"seed": -1}
CASES: dict[str, tuple[Mapping[str, Any], tuple[Stage, ...]]] = {
    "echo": (
        SLOW_ECHO,
        (Stage("queued", Queued), Stage("started", Started), Stage("running", Progress, "waiting", 0.001)),
    ),
    "imagine": (
        PICTURES,
        (
            Stage("queued", Queued),
            Stage("loading", Progress, "loading"),
            Stage("reading the words", Progress, "loading", later=0.02),
            Stage("first step", Progress, "drawing"),
            Stage("half drawn", Progress, "drawing", 0.45),
            Stage("enlarging", Progress, "drawing", 0.9),
        ),
    ),
}


async def measure_cancel(service: Service, task: str, stage: Stage) -> tuple[float, float]:
    """Cancel a job at a stage. Return the milliseconds until the user was told, and until the device was free."""
    engine = service.studio.engine
    worker = engine.state().workers[0].pid
    async with aclosing(service.handle(_request(task))) as updates:
        job = await _reach(updates, stage)
        await asyncio.sleep(stage.later)
        started = time.perf_counter()
        assert service.coalescer.cancel(job)
        ends = [update async for update in updates if isinstance(update, Failed)]
        told = time.perf_counter() - started
    assert [end.kind for end in ends] == ["Cancelled"]
    while stage.kind is not Queued and engine.state().workers[0].running:  # noqa: ASYNC110  # it is in another process
        await asyncio.sleep(0.0005)
    assert engine.state().workers[0].pid == worker
    return told * 1000, (time.perf_counter() - started) * 1000


async def _reach(updates: AsyncGenerator[Update, None], stage: Stage) -> str:
    async with asyncio.timeout(PATIENCE):
        async for update in updates:
            if stage.fits(update):
                return update.job
    raise AssertionError(f"never {stage.name}")


def _request(task: str) -> Request:
    number = next(NUMBERS)
    words = {"echo": {"text": str(number)}, "imagine": {"prompt": f"a red apple {number}"}}[task]
    return Request(task, {**words, **CASES[task][0]}, "web:bench", "bench", admin=True)


async def measure(task: str, stage: Stage) -> list[tuple[float, float]]:
    """Return the times of a stage. A loading stage needs a worker without a model, so each turn opens a new studio."""
    fresh = stage.stage == "loading"
    times: list[tuple[float, float]] = []
    while len(times) < TURNS:
        async with open_studio(commands=(echo, imagine)) as service:
            if stage.kind is Queued:
                service.studio.engine.device_queue.mode = "paused"
            elif not fresh and task == "imagine":
                await _warm(service)
            times += [await measure_cancel(service, task, stage) for _ in range(1 if fresh else TURNS)]
    return times


async def _warm(service: Service) -> None:
    async with aclosing(service.handle(_request("imagine"))) as updates:
        await _reach(updates, Stage("first step", Progress, "drawing"))


def show(task: str, stage: Stage, times: list[tuple[float, float]]) -> None:
    """Print a row of the table."""
    told, free = zip(*times, strict=True)
    figures = [f"{statistics.median(each):>9.1f} {max(each):>9.1f}" for each in (told, free)]
    print(f"{task:<9} {stage.name:<18} {figures[0]}   {figures[1]}")


async def main() -> None:
    """Measure every stage of every task."""
    os.environ.setdefault("ATELIER_WEIGHTS", str(WEIGHTS))
    print(f"{'':<28} {'told, ms':>19}   {'device free, ms':>19}")
    print(f"{'task':<9} {'stage':<18} {'p50':>9} {'worst':>9}   {'p50':>9} {'worst':>9}")
    for task, (_, stages) in CASES.items():
        for stage in stages:
            show(task, stage, await measure(task, stage))


if __name__ == "__main__":
    asyncio.run(main())
