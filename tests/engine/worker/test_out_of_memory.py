"""What a worker does when memory runs out, rung by rung."""

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


class Hungry:
    """A model that fits only where it is asked to spare enough."""

    size = 4
    loads = 0

    def __init__(self) -> None:
        type(self).loads += 1
        self.level = 0

    def set_memory_level(self, level: int) -> None:
        self.level = level

    def close(self) -> None:
        return None


def worker(folder: Path, enough: int, levels: list[int], device: str = "cpu") -> Worker:
    def run(_: Params, context: Context) -> Result:
        with context.model("echo") as model:
            levels.append(model.level)
            if model.level < enough:
                raise MemoryError
        return Result(text="made")

    task = Task(name="echo", version=1, params=Params, run=run, choose=lambda _: SERVICE, load=lambda _: Hungry())
    sent: list[WireModel] = []
    return Worker({"echo": task}, WorkerSettings(device=device, folder=folder, memory=10), sent.append, device)


def answer(asked: Worker, attempt: int = 1) -> Any:
    return asked._answer(Run(job="1", task="echo", params={}, attempt=attempt))


@pytest.mark.parametrize(("enough", "levels"), [(0, [0]), (1, [0, 0, 1]), (2, [0, 0, 1, 2])])
def test_a_model_is_asked_to_spare_more_until_the_job_fits(tmp_path: Path, enough: int, levels: list[int]) -> None:
    seen: list[int] = []
    asked = worker(tmp_path, enough, seen)
    assert isinstance(answer(asked), Done)
    assert seen == levels
    seen.clear()
    assert isinstance(answer(asked), Done)
    assert seen[0] == 0, "the next job begins as fast as ever"


def test_the_models_are_given_back_before_each_rung(tmp_path: Path) -> None:
    Hungry.loads = 0
    answer(worker(tmp_path, 2, []))
    assert Hungry.loads == 4


def test_what_no_rung_helps_is_told(tmp_path: Path) -> None:
    failed = answer(worker(tmp_path, 3, []))
    assert isinstance(failed, Failed)
    assert failed.kind == "OutOfMemory"


def test_on_a_card_the_last_rung_is_a_fresh_process_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(SystemExit) as left:
        answer(worker(tmp_path, 3, [], "cuda:0"))
    assert left.value.code == EXIT_RESTART
    assert isinstance(answer(worker(tmp_path, 3, [], "cuda:0"), attempt=2), Failed)


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation'", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("CUDA error: an illegal memory access was encountered", False),
    ],
)
def test_what_a_library_of_the_card_could_not_allocate_is_known_by_its_words(said: str, known: bool) -> None:
    assert out_of_memory(RuntimeError(said)) is known
