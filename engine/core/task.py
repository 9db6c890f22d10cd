"""What a task is, and the settings of a worker."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.core.errors import AtelierError
from engine.core.job import Result
from engine.core.params import TaskParams
from engine.core.protocol import Capability
from engine.weights.registry import weights_folder
from engine.worker.context import Context


@dataclass(frozen=True)
class EngineSettings:
    """What a worker is told at its start. `memory` is the pool's budget in bytes, `models` the owner's word, `idle` the
    seconds after which an unused model leaves.

    The owner's word is the backend or model of each task, by the task's name, and what else may be chosen:
    `checkpoint:NAME` for each checkpoint that they named, `control:KIND` for each network that follows a picture.
    `noncommercial` says that the owner has accepted weights which are for research alone.
    """

    device: str
    folder: Path
    memory: int
    models: dict[str, str]
    idle: float = 600.0
    noncommercial: bool = False

    @property
    def weights(self) -> Path:
        return weights_folder(self.folder)

    def with_checkpoint(self, task: str, name: str) -> "EngineSettings":
        """As if the owner had named, for the task, the checkpoint that is called `name`."""
        return replace(self, models={**self.models, task: self.models[f"checkpoint:{name}"]})


def _no_size(_: TaskParams) -> str:
    return ""


@dataclass(frozen=True)
class BatchSpec:
    """How jobs of a task share a run: those with the same `key` may; None is a job that runs alone.

    `run` yields the place of each job among those that it was given, as soon as that job ends, with what became of it.
    It drops a job whose context is cancelled. What it leaves when it raises is run again one by one.
    """

    key: Callable[[Any], str | None]
    run: Callable[[Sequence[Any], Sequence["Context"]], Iterator[tuple[int, Result | AtelierError]]]


@dataclass(frozen=True)
class Task:
    """A kind of work. `choose` says which backend does it here; `load` makes that backend's model for the pool.

    `extra_models` load further models for it, by their names in the pool, which tasks may share.
    `workload_class` says of parameters how much work they are: runs of the same size take about the same time. A task
    that runs `on_cpu` needs no device: it has a worker of its own on the CPU and waits behind no picture.
    """

    name: str
    version: int
    params: type[TaskParams]
    run: Callable[[Any, "Context"], Result]
    choose: Callable[[EngineSettings], Capability]
    load: Callable[[EngineSettings], Any] | None = None
    extra_models: Mapping[str, Callable[[EngineSettings], Any]] = field(default_factory=dict)
    workload_class: Callable[[Any], str] = _no_size
    batch: BatchSpec | None = None
    on_cpu: bool = False
