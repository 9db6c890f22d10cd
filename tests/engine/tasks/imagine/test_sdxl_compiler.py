"""Compiling in the background while weights move, here on the CPU, where a compiled function is simply another one."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from structlog.testing import capture_logs

from engine.tasks.imagine.sdxl.acceleration.compiler import MAX_ATTEMPTS, Compiler
from engine.torch_support.cuda_graphs import GraphedCallable, GraphRecorder, _Recording
from engine.torch_support.offload import WeightOffloader
from tests.timing import HANG_SECONDS

SHAPE = ((1, 1, 4, 4),)


class CompilerHarness:
    """A convolution whose weights move, recorded once, and a compiler for it."""

    def __init__(self, folder: Path) -> None:
        self.network = torch.nn.Conv2d(1, 1, 3)
        self.parking = WeightOffloader((self.network,), "cpu")
        self.replayed = GraphedCallable(self.network, GraphRecorder())
        self.replayed._recordings[SHAPE] = _Recording(self.network, None, (torch.ones(SHAPE[0]),), None)
        self.compiler = Compiler(folder, lambda: None if self.parking.is_offloaded else self.parking.moves)
        self.prepared = 0
        self.called, self.go_on = threading.Event(), threading.Event()

    def slow_function(self, x: Any) -> Any:
        """Compute the same, but only after the test said so."""
        self.called.set()
        assert self.go_on.wait(HANG_SECONDS)
        if self.parking.is_offloaded and self.parking.size:
            raise RuntimeError("Expected all tensors to be on the same device, but found cpu and cuda:0")
        return self.network(x)

    def ask(self, function: Callable[..., Any]) -> None:
        self.compiler.ask(self.replayed, SHAPE, lambda: function, self.prepare)

    def prepare(self, _: tuple[Any, ...]) -> bool:
        self.prepared += 1
        return True

    def wait(self) -> None:
        while self.compiler.busy():
            time.sleep(0.01)

    @property
    def improved(self) -> bool:
        return SHAPE in self.replayed._replacements


@pytest.fixture
def harness(tmp_path: Path) -> CompilerHarness:
    return CompilerHarness(tmp_path)


def test_weights_that_leave_while_they_are_compiled_for_put_it_off_and_it_is_done_once_they_are_back(
    harness: CompilerHarness,
) -> None:
    with capture_logs() as logs:
        for _ in range(2 * MAX_ATTEMPTS):
            harness.called.clear()
            harness.go_on.clear()
            harness.ask(harness.slow_function)
            assert harness.called.wait(10)
            harness.parking.offload()
            harness.go_on.set()
            harness.wait()
            assert not harness.improved
            harness.parking.onload()
        harness.ask(harness.slow_function)
        harness.wait()
    assert harness.improved
    assert harness.prepared == 1  # what another process compiled once is found again
    assert {entry["event"] for entry in logs} == {"compiling is put off: the weights left the device", "compiled"}


def test_nothing_is_compiled_while_the_weights_are_away(harness: CompilerHarness) -> None:
    harness.parking.offload()
    harness.ask(harness.slow_function)
    harness.wait()
    assert not harness.called.is_set()
    assert not harness.improved


def test_a_model_that_is_closed_while_it_is_compiled_fails_in_silence(harness: CompilerHarness) -> None:
    with capture_logs() as logs:
        harness.ask(harness.slow_function)
        assert harness.called.wait(10)
        harness.compiler.close()
        harness.parking.drop()
        harness.go_on.set()
        harness.wait()
    assert not harness.improved
    assert [entry["log_level"] for entry in logs] == ["info"]


def test_a_failure_of_another_kind_is_logged_and_tried_a_few_times_only(harness: CompilerHarness) -> None:
    calls = []

    def fail(_: Any) -> None:
        calls.append(1)
        raise RuntimeError("no kernel fits")

    with capture_logs() as logs:
        for _ in range(2 * MAX_ATTEMPTS):
            harness.ask(fail)
            harness.wait()
    assert len(calls) == MAX_ATTEMPTS
    assert [entry["log_level"] for entry in logs] == ["warning"] * MAX_ATTEMPTS
