"""Limit and release GPU memory, and keep the CPU from running too far ahead of the GPU."""

import gc
import sys
from collections import deque
from typing import Any

from engine.core.settings import WorkerSettings


def cap_memory(settings: WorkerSettings) -> None:
    """Limit torch to `settings.memory` bytes of the GPU, so that it runs out of memory as on a smaller GPU."""
    if not settings.device.startswith("cuda"):
        return
    import torch

    total = torch.cuda.get_device_properties(settings.device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, settings.memory / total), settings.device)


def release_memory() -> None:
    """Return unused GPU memory to the driver, for other libraries. Reference cycles are collected first."""
    gc.collect()
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def side_stream(device: Any) -> Any:
    """Return a context that queues work for `device`, a torch.device, on a CUDA stream of its own."""
    import torch

    return torch.cuda.stream(torch.cuda.Stream(device) if device.type == "cuda" else None)


class GpuBacklog:
    """Limits how much work is queued on a GPU. On a CPU it does nothing."""

    def __init__(self, device: str, ahead: int) -> None:
        """Allow at most `ahead` unfinished calls of `wait`."""
        self._marks: deque[Any] | None = deque() if device.startswith("cuda") else None
        self._ahead = ahead

    def wait(self) -> None:
        """Record an event after the work queued so far, and wait until at most `ahead` events are unfinished."""
        if self._marks is None:
            return
        import torch

        self._marks.append(torch.cuda.current_stream().record_event())
        if len(self._marks) > self._ahead:
            self._marks.popleft().synchronize()
