"""Keep torch's tracer to the thread that traces.

While torch.fx traces a function, it replaces `Module.__call__` and `Module.__getattr__` for the whole process. A module
that another thread calls meanwhile is taken for a part of what is traced, and that thread's picture fails with "module
is not installed as a submodule" (seen on an H100 with torch 2.11).
"""

import threading
from collections.abc import Callable
from functools import cache, wraps
from typing import Any


@cache
def keep_tracing_to_its_thread() -> None:
    """Let modules that other threads call be called as usual while a thread traces. Needed once a process."""
    from torch.fx import Tracer

    tracer: Any = Tracer
    tracer.trace = _remember_thread(tracer.trace)
    tracer.call_module = _unless_foreign(tracer.call_module, lambda _, forward, args, kwargs: forward(*args, **kwargs))
    tracer.getattr = _unless_foreign(tracer.getattr, lambda _, value, __: value)


def _remember_thread(trace: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(trace)
    def trace_here(self: Any, *given: Any, **more: Any) -> Any:
        self.tracing_thread = threading.get_ident()
        return trace(self, *given, **more)

    return trace_here


def _unless_foreign(method: Callable[..., Any], untraced: Callable[..., Any]) -> Callable[..., Any]:
    """Return `method` of a tracer, which does what `untraced` does when another thread calls it."""

    @wraps(method)
    def call(self: Any, *given: Any) -> Any:
        foreign = self.tracing_thread != threading.get_ident()
        return untraced(*given) if foreign else method(self, *given)

    return call
