"""Measure what /magic costs compared with its writer alone, on a busy device, and for a picture drawn meanwhile.

`python -m bench.magic` measures the grammar. `--model FOLDER`, such as a snapshot of MagicPrompt, also measures that
language model, and `--random` a GPT-2 of MagicPrompt's size with random weights. Its output is unusable, so each prompt
takes three attempts, and then the grammar writes it. The picture is pocket's, on the same cores.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import structlog

from bench.lib.app import echo
from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings
from bot.core.command import Request
from bot.requests.service import Service
from engine.core.job import Done, Started
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from engine.tasks.magic import backends
from engine.tasks.magic.params import Params
from engine.torch_support.torchvision_import import import_torchvision
from storage.files import Files
from storage.store import Store

UNLIMITED = Settings.model_validate({"limits": {"magic": "off", "imagine": "off"}})
PICTURES = 5
IDEA = "a lighthouse at noon"


async def main() -> None:
    """Measure the grammar and, if asked, a language model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a folder with a causal language model")
    parser.add_argument("--random", action="store_true", help="a random GPT-2 of MagicPrompt's size")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with tempfile.TemporaryDirectory() as name:
        print(f"{'writer':<16}{'bare':>10}{'/magic':>10}{'device busy':>13}{'picture':>12}{'while it writes':>17}")
        await _measure("grammar", "grammar", 30, _make_folder(name, "grammar"))
        named = given.model or (_random(Path(name) / "gpt2") if given.random else None)
        if named:
            await _measure("language model", named, 3, _make_folder(name, "model"))


async def _measure(label: str, model: str, times: int, folder: Path) -> None:
    writer = backends.load(WorkerSettings(folder=folder, memory=10**10, models={"magic": model}))
    seeds = iter(range(10**6))
    bare = _median(times, lambda: writer.write(Params(idea=IDEA, seed=next(seeds), short=True), lambda *_: None))
    settings = HostSettings(
        devices=("cpu",),
        worker=WorkerSettings(models={"magic": model, "imagine": "pocket"}, folder=folder),
        cpu_lane=True,
    )
    async with Store.open(folder / "atelier.db") as store, Engine.open(settings) as engine:
        await engine.service("magic")
        files = Files(folder / "media", 10**7, 10**7)
        service = Service(AppContext(UNLIMITED, store, files, engine, (*COMMANDS, echo)))
        alone = await _measure_magic(service, times, seeds)
        async with aclosing(service.handle(Request("echo", {"seconds": "600"}, "web:b", "bench"))) as busy:
            while not isinstance(await anext(busy), Started):
                continue
            beside = await _measure_magic(service, times, seeds)
        plain, meanwhile = await _pictures(service, seeds)
    shown = [_format_seconds(each) for each in (bare, alone, beside, plain, meanwhile)]
    print("{:<16}{:>10}{:>10}{:>13}{:>12}{:>17}".format(label, *shown))


async def _pictures(service: Service, seeds: Iterator[int]) -> tuple[float, float]:
    """Median seconds of a picture, and of one while prompts are written without a pause; taken in turn."""
    await _seconds_of(service, "imagine", {"prompt": "a red apple", "seed": str(next(seeds))})
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(PICTURES):
        for kind, times in enumerate(taken):
            writing = asyncio.create_task(_write_on(service, seeds)) if kind else None
            await asyncio.sleep(0.5)
            times.append(await _seconds_of(service, "imagine", {"prompt": "a red apple", "seed": str(next(seeds))}))
            if writing is not None:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
    return statistics.median(taken[0]), statistics.median(taken[1])


async def _write_on(service: Service, seeds: Iterator[int]) -> None:
    while True:
        await _seconds_of(service, "magic", {"idea": IDEA, "seed": str(next(seeds))})


async def _measure_magic(service: Service, times: int, seeds: Iterator[int]) -> float:
    """Median seconds of /magic; the first, which loads the model, does not count."""
    taken = [await _seconds_of(service, "magic", {"idea": IDEA, "seed": str(next(seeds))}) for _ in range(times + 1)]
    return statistics.median(taken[1:])


async def _seconds_of(service: Service, command: str, raw: dict[str, str]) -> float:
    """Seconds from the request to its last update."""
    started = time.perf_counter()
    async with aclosing(service.handle(Request(command, raw, "web:a", "bench"))) as updates:
        last = [update async for update in updates][-1]
    assert isinstance(last, Done), last
    return time.perf_counter() - started


def _median(times: int, work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _make_folder(parent: str, name: str) -> Path:
    folder = Path(parent) / name
    folder.mkdir()
    return folder


def _random(folder: Path) -> str:
    """GPT-2 as MagicPrompt has it, of 124 million weights, with the tests' small tokenizer."""
    import_torchvision()
    from transformers import GPT2Config, GPT2LMHeadModel

    from tests.tiny_gpt2 import tokenizer

    words = tokenizer()
    GPT2LMHeadModel(GPT2Config(bos_token_id=0, eos_token_id=0)).save_pretrained(folder)
    words.save_pretrained(folder)
    return str(folder)


def _format_seconds(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


if __name__ == "__main__":
    asyncio.run(main())
