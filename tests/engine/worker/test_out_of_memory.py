"""What a worker does when memory runs out, level by level."""

import os
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import UserMessage, out_of_memory
from engine.core.job import Done, Failed, Result, WireModel
from engine.core.protocol import Capability, Run
from engine.core.settings import WorkerSettings
from engine.core.task import Task
from engine.tasks.echo import Params
from engine.worker.context import Context
from engine.worker.loop import EXIT_RESTART, Worker

SERVICE = Capability(
    task="echo", version=1, backend="echo", tier="embedded", model="echo", why=UserMessage(template="It is.")
)


class CountedModel:
    """A model that counts how often it is loaded."""

    size = 4
    loads = 0

    def __init__(self) -> None:
        type(self).loads += 1
        self.level = 0

    def set_memory_level(self, level: int) -> None:
        self.level = level

    def close(self) -> None:
        return None


def worker_that_fits_at(folder: Path, enough: int, levels: list[int], device: str = "cpu") -> Worker:
    def run(_: Params, context: Context) -> Result:
        with context.model("echo") as model:
            levels.append(model.level)
            if model.level < enough:
                raise MemoryError
        return Result(text="x")

    task = Task(name="echo", version=1, params=Params, run=run, choose=lambda _: SERVICE, load=lambda _: CountedModel())
    sent: list[WireModel] = []
    return Worker({"echo": task}, WorkerSettings(device=device, folder=folder, memory=10), sent.append, device)


def run_job(worker: Worker, attempt: int = 1) -> Any:
    """Run a job and return its final update."""
    return worker._answer(Run(job="1", task="echo", params={}, attempt=attempt))


@pytest.mark.parametrize(("enough", "levels"), [(0, [0]), (1, [0, 0, 1]), (2, [0, 0, 1, 2])])
def test_the_memory_level_rises_until_the_job_fits(tmp_path: Path, enough: int, levels: list[int]) -> None:
    seen: list[int] = []
    worker = worker_that_fits_at(tmp_path, enough, seen)
    assert isinstance(run_job(worker), Done)
    assert seen == levels
    seen.clear()
    assert isinstance(run_job(worker), Done)
    assert seen[0] == 0, "the next job starts at level 0"


def test_models_are_closed_before_each_level(tmp_path: Path) -> None:
    CountedModel.loads = 0
    run_job(worker_that_fits_at(tmp_path, 2, []))
    assert CountedModel.loads == 4


def test_a_job_that_fits_at_no_level_fails(tmp_path: Path) -> None:
    failed = run_job(worker_that_fits_at(tmp_path, 3, []))
    assert isinstance(failed, Failed)
    assert failed.kind == "OutOfMemory"


def test_on_a_gpu_the_last_attempt_is_a_fresh_process_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_exit(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", raise_exit)
    with pytest.raises(SystemExit) as exited:
        run_job(worker_that_fits_at(tmp_path, 3, [], "cuda:0"))
    assert exited.value.code == EXIT_RESTART
    assert isinstance(run_job(worker_that_fits_at(tmp_path, 3, [], "cuda:0"), attempt=2), Failed)


@pytest.mark.parametrize(
    ("message", "is_known"),
    [
        ("CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation'", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("CUDA error: an illegal memory access was encountered", False),
    ],
)
def test_failed_allocations_of_cuda_libraries_are_known_by_their_message(message: str, is_known: bool) -> None:
    assert out_of_memory(RuntimeError(message)) is is_known
