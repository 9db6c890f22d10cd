"""The memory of a worker's device, in bytes."""

import os

from engine.core.devices import gpus
from engine.core.protocol import Memory


def memory_of(device: str, models: dict[str, int]) -> Memory:
    """Return the memory of `device`, with the bytes of each loaded model passed on in `models`.

    For a GPU these are the driver's figures. For the CPU they are this process's resident set and what is available.
    """
    if device.startswith("cuda"):
        used, free = _gpu_memory(int(device.partition(":")[2] or 0))
    else:
        used, free = _host_memory()
    return Memory(used=used, free=free, models=models)


def _gpu_memory(index: int) -> tuple[int, int]:
    import pynvml

    memory = pynvml.nvmlDeviceGetMemoryInfo(gpus(os.environ)[index])
    return int(memory.used), int(memory.free)


def _host_memory() -> tuple[int, int]:
    import psutil

    return psutil.Process().memory_info().rss, psutil.virtual_memory().available
