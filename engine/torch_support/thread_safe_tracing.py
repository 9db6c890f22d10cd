"""Restrict torch's tracer to the thread that traces.

While torch.fx traces a function, it replaces `Module.__call__` and `Module.__getattr__` for the whole process. It then
treats a module that another thread calls as part of the traced function, and that thread's job fails with "module is
not installed as a submodule" (seen on an H100 with torch 2.11).
"""

import threading
from collections.abc import Callable
from functools import cache, wraps
from typing import Any


@cache
def keep_tracing_to_its_thread() -> None:
    """Make torch.fx ignore modules that other threads call while a thread traces. Call this once per process."""
    from torch.fx import Tracer

    tracer: Any = Tracer
    tracer.trace = _remember_thread(tracer.trace)
    tracer.call_module = _unless_foreign(tracer.call_module, lambda _, forward, args, kwargs: forward(*args, **kwargs))
    tracer.getattr = _unless_foreign(tracer.getattr, lambda _, value, __: value)


def _remember_thread(trace: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(trace)
    def trace_in_this_thread(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.tracing_thread = threading.get_ident()
        return trace(self, *args, **kwargs)

    return trace_in_this_thread


def _unless_foreign(method: Callable[..., Any], untraced: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a tracer's `method` so that calls from other threads run `untraced` instead."""

    @wraps(method)
    def call(self: Any, *args: Any) -> Any:
        is_foreign = self.tracing_thread != threading.get_ident()
        return untraced(*args) if is_foreign else method(self, *args)

    return call
