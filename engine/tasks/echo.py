"""The `echo` task: returns its text. It is the smallest real task, for tests and benchmarks of everything
around tasks.
"""

import hashlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

from pydantic import Field

from engine.core.errors import AtelierError, Cancelled, UserMessage
from engine.core.job import Result
from engine.core.params import TaskParams
from engine.core.protocol import Capability
from engine.core.settings import WorkerSettings
from engine.core.task import BatchSpec, Task
from engine.worker.context import Context


class Params(TaskParams):
    """Options that let a test make a job slow, faulty, out of memory or fatal in a real worker."""

    text: str = Field("", description="Text to return", max_length=1500, json_schema_extra={"rest": True})
    seconds: float = Field(0, description="Seconds to take", ge=0, le=600)
    share: str = Field("", description="Jobs with the same word may share a run", max_length=32)
    stages: int = Field(0, description="Number of stages; each makes a picture", ge=0, le=9)
    fault: Literal["none", "error", "memory", "die", "hang"] = Field("none", description="How to fail")


def run(params: Params, context: Context) -> Result:
    """Return the text, after the time and with the fault that the parameters ask for."""
    _fail(params.fault)
    if not params.stages:
        _wait(params.seconds, context)
        return Result(text=params.text, facts={"said": params.text})
    results = [context.stage(str(number), partial(_stage, params, context, number)) for number in range(params.stages)]
    return Result(text=params.text, media=tuple(media for result in results for media in result.media))


def _stage(params: Params, context: Context, number: int) -> Result:
    """Take one stage's share of the time, and make a small picture from the text."""
    import numpy as np

    _wait(params.seconds / params.stages, context)
    pixels = hashlib.sha256(f"{number} {params.text}".encode()).digest() * 6
    return Result(media=(context.save_image(np.frombuffer(pixels, np.uint8).reshape(8, 8, 3)),))


def _wait(seconds: float, context: Context) -> None:
    started = time.monotonic()
    while (elapsed := time.monotonic() - started) < seconds:
        context.progress("waiting", elapsed / seconds)
        context.cancelled.wait(min(0.02, seconds - elapsed))


def run_together(jobs: Sequence[Params], contexts: Sequence[Context]) -> Iterator[tuple[int, Result | AtelierError]]:
    """Run several jobs at once, each for its own time, and yield results as they finish. A fault of one
    fails the run.
    """
    started, remaining = time.monotonic(), dict(enumerate(jobs))
    while remaining:
        elapsed = time.monotonic() - started
        for number, params in list(remaining.items()):
            if contexts[number].cancelled.is_set():
                yield number, Cancelled("Cancelled.")
            elif elapsed >= params.seconds:
                _fail(params.fault)
                yield number, Result(text=params.text, facts={"together": len(jobs)})
            else:
                contexts[number].progress("waiting", elapsed / params.seconds)
                continue
            del remaining[number]
        time.sleep(0.02 if remaining else 0)


def _fail(fault: str) -> None:
    match fault:
        case "error":
            raise RuntimeError("a fault that a test asked for")
        case "memory":
            raise MemoryError
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            time.sleep(3600)


def choose(_: WorkerSettings) -> Capability:
    """Return the only backend, which runs up to four jobs together."""
    why = UserMessage(template="It needs no model.")
    return Capability(task="echo", version=1, backend="echo", tier="embedded", model="echo", why=why, together=4)


TASK = Task(
    name="echo",
    version=1,
    params=Params,
    run=run,
    choose=choose,
    workload_class=lambda params: f"{params.seconds:g} s",
    batch=BatchSpec(key=lambda params: params.share or None, run=run_together),
)
