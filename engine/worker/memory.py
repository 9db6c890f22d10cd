"""How much memory a worker's device has and uses, in bytes."""

import os

from engine.core.devices import gpus
from engine.core.protocol import Memory


def memory_of(device: str, models: dict[str, int]) -> Memory:
    """What the driver says of the card; on the CPU this process's resident set and what the machine can still give."""
    if device.startswith("cuda"):
        used, free = _card(int(device.partition(":")[2] or 0))
    else:
        used, free = _host()
    return Memory(used=used, free=free, models=models)


def _card(index: int) -> tuple[int, int]:
    import pynvml

    held = pynvml.nvmlDeviceGetMemoryInfo(gpus(os.environ)[index])
    return int(held.used), int(held.free)


def _host() -> tuple[int, int]:
    import psutil

    return psutil.Process().memory_info().rss, psutil.virtual_memory().available
