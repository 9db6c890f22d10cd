"""Text to picture, and picture to picture."""

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
"""Pictures that are encoded and written at once."""


def run(params: Params, context: Context) -> Result:
    """Draw. `seconds` among the facts is from the model being at hand to the pictures being on disk."""
    context.progress("loading", 0)
    with context.model(f"imagine:{params.model}" if params.model else "imagine") as generator:
        begun = time.monotonic()
        return _result(params, context, generator.generate(params, context.progress), begun)


def run_batch(jobs: Sequence[Params], contexts: Sequence[Context]) -> Iterator[tuple[int, Result | AtelierError]]:
    """Pictures of several people. While they are encoded and written, the device draws the next ones.

    A run of the models that are batched is over within a second, so who cancels meanwhile is told at its end.
    """

    def report(place: int, stage: str, fraction: float, preview: "Picture | None" = None) -> None:
        with suppress(Cancelled):
            contexts[place].progress(stage, fraction, preview)

    for place in range(len(jobs)):
        report(place, "loading", 0)
    with contexts[0].model("imagine") as generator, ThreadPoolExecutor(ENCODER_THREADS) as writers:
        begun, ends = time.monotonic(), deque[tuple[int, Future[Result]]]()
        for place, wait in generator.generate_batch(jobs, report):
            ends.append((place, writers.submit(_wait_and_save, jobs[place], contexts[place], wait, begun)))
            while ends and ends[0][1].done():
                yield _outcome(*ends.popleft())
        while ends:
            yield _outcome(*ends.popleft())


def _wait_and_save(params: Params, context: Context, wait: "Callable[[], GeneratedImages]", begun: float) -> Result:
    return _result(params, context, wait(), begun)


def _outcome(place: int, end: "Future[Result]") -> tuple[int, Result | AtelierError]:
    try:
        return place, end.result()
    except AtelierError as error:
        return place, error


def _result(params: Params, context: Context, images: "GeneratedImages", begun: float) -> Result:
    context.check()
    with ThreadPoolExecutor(ENCODER_THREADS) as writers:
        media = tuple(writers.map(context.save_image, images.pictures))
    facts = _facts(params, context, round(time.monotonic() - begun, 2))
    return Result(media=media, notes=images.notes, facts=facts | images.facts)


def _facts(params: Params, context: Context, seconds: float) -> dict[str, Fact]:
    service = context.service
    made_by: dict[str, Fact] = {"backend": service.backend, "tier": service.tier, "model": service.model}
    return {"prompt": params.prompt, "seed": params.seed or 0, **made_by, "seconds": seconds}


def workload_class(params: Params) -> str:
    """What a drawing's time hangs on."""
    source = "picture" if params.image else "words"
    how = [option for option in APPARATUS if params.is_set(option)]
    extent = f"{params.width} x {params.height}" if params.width else params.shape or "square"
    return ", ".join([f"{params.count} {extent}", f"steps {params.steps or 'usual'}", f"from {source}", *how])


def batch_key(params: Params) -> str | None:
    """Which drawings may share a run: those of one picture each from words alone, in as many steps, of one shape."""
    told = any(params.is_set(option) for option in ("guidance", "negative", "variation", "model"))
    return (
        None
        if params.count > 1 or told or not params.is_text_only
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
