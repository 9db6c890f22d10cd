"""The task `imagine`: text to image and image to image."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.core.errors import AtelierError, Cancelled
from engine.core.job import Fact, Result
from engine.core.task import BatchSpec, Task
from engine.tasks.imagine import backends
from engine.tasks.imagine.params import APPARATUS, Params
from engine.worker.context import Context

if TYPE_CHECKING:
    from engine.tasks.imagine.contract import GeneratedImages, Picture

ENCODER_THREADS = 4
"""Pictures encoded and written in parallel."""


def run(params: Params, context: Context) -> Result:
    """Draw one job. The fact `seconds` runs from when the model is ready until the pictures are on disk."""
    context.progress("loading", 0)
    with context.model(f"imagine:{params.model}" if params.model else "imagine") as generator:
        started = time.monotonic()
        return _result(params, context, generator.generate(params, context.progress), started)


def run_batch(jobs: Sequence[Params], contexts: Sequence[Context]) -> Iterator[tuple[int, Result | AtelierError]]:
    """Draw the pictures of several people in one run, and yield each job's index and outcome as it ends.

    While pictures are encoded and written, the device draws the next ones. A run takes under a second on the models
    that batch, so a cancelled job is dropped only at its end.
    """

    def report(place: int, stage: str, fraction: float, preview: "Picture | None" = None) -> None:
        with suppress(Cancelled):
            contexts[place].progress(stage, fraction, preview)

    for place in range(len(jobs)):
        report(place, "loading", 0)
    with contexts[0].model("imagine") as generator, ThreadPoolExecutor(ENCODER_THREADS) as writers:
        started, futures = time.monotonic(), deque[tuple[int, Future[Result]]]()
        for place, wait in generator.generate_batch(jobs, report):
            futures.append((place, writers.submit(_wait_and_save, jobs[place], contexts[place], wait, started)))
            while futures and futures[0][1].done():
                yield _outcome(*futures.popleft())
        while futures:
            yield _outcome(*futures.popleft())


def _wait_and_save(params: Params, context: Context, wait: "Callable[[], GeneratedImages]", started: float) -> Result:
    return _result(params, context, wait(), started)


def _outcome(place: int, future: "Future[Result]") -> tuple[int, Result | AtelierError]:
    try:
        return place, future.result()
    except AtelierError as error:
        return place, error


def _result(params: Params, context: Context, images: "GeneratedImages", started: float) -> Result:
    context.check()
    with ThreadPoolExecutor(ENCODER_THREADS) as writers:
        media = tuple(writers.map(context.save_image, images.pictures))
    facts = _facts(params, context, round(time.monotonic() - started, 2))
    return Result(media=media, notes=images.notes, facts=facts | images.facts)


def _facts(params: Params, context: Context, seconds: float) -> dict[str, Fact]:
    return {"prompt": params.prompt, "seed": params.seed or 0, **context.service.facts(), "seconds": seconds}


def workload_class(params: Params) -> str:
    """Return a name for jobs that take about as long: count, size, steps and what the picture starts from."""
    source = "picture" if params.image else "words"
    how = [option for option in APPARATUS if params.is_set(option)]
    extent = f"{params.width} x {params.height}" if params.width else params.shape or "square"
    return ", ".join([f"{params.count} {extent}", f"steps {params.steps or 'usual'}", f"from {source}", *how])


def batch_key(params: Params) -> str | None:
    """Return the key of jobs that may share a run, or None. Those are single pictures from text with equal steps and
    shape.
    """
    is_special = any(params.is_set(option) for option in ("guidance", "negative", "variation", "model"))
    return (
        None
        if params.count > 1 or is_special or not params.is_text_only
        else f"{params.shape or 'square'} {params.width} {params.height} {params.steps}"
    )


TASK = Task(
    name="imagine",
    version=backends.VERSION,
    params=Params,
    run=run,
    choose=backends.choose,
    load=backends.load,
    workload_class=workload_class,
    batch=BatchSpec(key=batch_key, run=run_batch),
)
