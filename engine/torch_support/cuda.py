"""What the owner allows of an NVIDIA card, what it gets back, and how far behind it is."""

import gc
import sys
from collections import deque
from typing import Any

from engine.core.settings import WorkerSettings


def cap_memory(settings: WorkerSettings) -> None:
    """Hold torch to `settings.memory` bytes of the card: past them it is out of memory, as on a smaller card."""
    if not settings.device.startswith("cuda"):
        return
    import torch

    total = torch.cuda.get_device_properties(settings.device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, settings.memory / total), settings.device)


def release_memory() -> None:
    """What nobody refers to any more, cycles included, goes from the card, where other libraries may need it."""
    gc.collect()
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def side_stream(device: Any) -> Any:
    """Return a context in which work for `device`, a torch.device, holds up nothing that it was given before."""
    import torch

    return torch.cuda.stream(torch.cuda.Stream(device) if device.type == "cuda" else None)


class GpuBacklog:
    """How far the device is behind. Off a GPU nothing runs behind."""

    def __init__(self, device: str, ahead: int) -> None:
        """At most `ahead` marks are open at a time."""
        self._marks: deque[Any] | None = deque() if device.startswith("cuda") else None
        self._ahead = ahead

    def wait(self) -> None:
        """Mark what the device has been told, and wait until few enough marks are open."""
        if self._marks is None:
            return
        import torch

        self._marks.append(torch.cuda.current_stream().record_event())
        if len(self._marks) > self._ahead:
            self._marks.popleft().synchronize()
