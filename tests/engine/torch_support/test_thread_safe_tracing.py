"""A module that one thread calls while another traces."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch.fx import symbolic_trace

from engine.torch_support.thread_safe_tracing import keep_tracing_to_its_thread


class SlowlyTraced(torch.nn.Module):
    """Stays in its tracing until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)
        self.entered, self.may_go_on = threading.Event(), threading.Event()

    def forward(self, x: Any) -> Any:
        self.entered.set()
        assert self.may_go_on.wait(10)
        return self.layer(x) * 2


def call_while_traced(other: torch.nn.Module) -> torch.Tensor:
    traced = SlowlyTraced()
    with ThreadPoolExecutor(1) as thread:
        graph = thread.submit(symbolic_trace, traced)
        try:
            assert traced.entered.wait(10)
            called: torch.Tensor = other(torch.ones(1, 2))
        finally:
            traced.may_go_on.set()
        calls = [node.op for node in graph.result().graph.nodes]
    assert calls == ["placeholder", "call_module", "call_function", "output"]
    return called


def test_a_module_that_another_thread_calls_while_one_traces_is_called_as_usual() -> None:
    keep_tracing_to_its_thread()
    other = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    expected = other(torch.ones(1, 2))
    assert torch.equal(call_while_traced(other), expected)


def test_torch_itself_still_traces_modules_of_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this fails, torch has mended it, and `keep_tracing_to_its_thread` can go."""
    keep_tracing_to_its_thread()
    for name in ("trace", "call_module", "getattr"):
        method = getattr(torch.fx.Tracer, name)
        monkeypatch.setattr(torch.fx.Tracer, name, method.__wrapped__)
    with pytest.raises(NameError, match="not installed as a submodule"):
        call_while_traced(torch.nn.Linear(2, 3))
