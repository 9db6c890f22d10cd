"""The description of a task."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.core.errors import AtelierError
from engine.core.job import Result
from engine.core.params import TaskParams
from engine.core.protocol import Capability
from engine.core.settings import WorkerSettings
from engine.worker.context import Context


def _no_size(_: TaskParams) -> str:
    return ""


@dataclass(frozen=True)
class BatchSpec:
    """How jobs of a task share a run (a batch)."""

    #: Returns a value that jobs of the same batch have in common, or None for a job that runs alone.
    key: Callable[[Any], str | None]
    #: Runs the jobs with these parameters and contexts. Yields each job's index and outcome as soon as the job ends,
    #: and drops jobs whose context is cancelled. Jobs that are left when it raises run again one by one.
    run: Callable[[Sequence[Any], Sequence[Context]], Iterator[tuple[int, Result | AtelierError]]]


@dataclass(frozen=True)
class Task:
    """A kind of work that workers can do."""

    name: str
    #: Part of the cache key. Increase it when the same parameters give another result.
    version: int
    params: type[TaskParams]
    run: Callable[[Any, Context], Result]
    #: Returns the backend that does the task with these settings, and why.
    choose: Callable[[WorkerSettings], Capability]
    #: Loads the chosen backend's model for the pool.
    load: Callable[[WorkerSettings], Any] | None = None
    #: Loaders of further models, by their names in the pool. Several tasks may share a model.
    extra_models: Mapping[str, Callable[[WorkerSettings], Any]] = field(default_factory=dict)
    #: Describes the amount of work in given parameters. Runs with the same description take about the same time.
    workload_class: Callable[[Any], str] = _no_size
    batch: BatchSpec | None = None
    #: Whether the task needs no device. It then has a CPU worker of its own and never waits for one.
    on_cpu: bool = False
