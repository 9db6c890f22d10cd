"""Which devices there are, asked of the NVIDIA driver without loading torch."""

import os
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from engine.core.errors import EngineDied

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""By number or UUID, the GPUs that CUDA shows to a process, in its order; where it is not set, all of them."""


def devices(wanted: str) -> tuple[str, ...]:
    """One name a worker: `auto` is every NVIDIA GPU or else the CPU, `cuda` every GPU, anything else that one alone.

    Raises EngineDied where a GPU is asked for that is not here.
    """
    if wanted == "cpu":
        return ("cpu",)
    found = tuple(f"cuda:{index}" for index in range(len(gpus(os.environ))))
    if wanted == "auto":
        return found or ("cpu",)
    named = tuple(each for each in found if wanted in ("cuda", each))
    if not named:
        raise EngineDied(
            "engine.device in config.toml is {device}, and NVIDIA GPUs here: {found}."
            " See what nvidia-smi shows, or write auto or cpu.",
            device=wanted,
            found=", ".join(found) or 0,
        )
    return named


def hide_other_gpus(device: str, environment: MutableMapping[str, str]) -> str:
    """Let this process and its children see `device` alone. Return the name that CUDA gives it then.

    `device` is "cpu", which changes nothing, or "cuda:N", which becomes "cuda:0". Libraries create streams and graphs
    on the current device, which is number 0 unless each of them is told otherwise. Call this before CUDA is loaded.
    Raises EngineDied if there is no such GPU.
    """
    import pynvml

    if not device.startswith("cuda"):
        return device
    found, number = gpus(environment), int(device.partition(":")[2] or 0)
    if number >= len(found):
        raise EngineDied("The GPU {device} is not here any more. See what nvidia-smi shows.", device=device)
    environment[VISIBLE] = pynvml.nvmlDeviceGetUUID(found[number])
    return "cuda:0"


def gpus(environment: Mapping[str, str]) -> list[Any]:
    """Return the driver's handles of the GPUs that CUDA shows, numbered as CUDA numbers them by bus.

    Where nothing chooses among them, a GPU that is cut into MIG slices is replaced by its slices.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    every = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    if VISIBLE not in environment:
        return [part for whole in every for part in _mig_slices(whole) or (whole,)]
    shown = []
    for name in environment[VISIBLE].split(","):
        handle = _find_gpu(name.strip(), every)
        if handle is None:
            break  # as CUDA does, which shows none behind one that it does not know
        shown.append(handle)
    return shown


def _mig_slices(gpu: Any) -> list[Any]:
    """Return the handles of the slices of a GPU in MIG mode; empty for one that is whole."""
    import pynvml

    try:
        current, _ = pynvml.nvmlDeviceGetMigMode(gpu)
    except pynvml.NVMLError_NotSupported:
        return []
    slices = []
    for index in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(gpu) if current else 0):
        with suppress(pynvml.NVMLError_NotFound):  # a place where no slice was made
            slices.append(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, index))
    return slices


def _find_gpu(name: str, every: list[Any]) -> Any:
    """A GPU by its number, or by its UUID or the beginning of that; None where there is no such."""
    import pynvml

    if name.isdecimal():
        return every[int(name)] if int(name) < len(every) else None
    if name.startswith("MIG-"):
        try:
            return pynvml.nvmlDeviceGetHandleByUUID(name)
        except pynvml.NVMLError:
            return None
    alike = [each for each in every if name and pynvml.nvmlDeviceGetUUID(each).startswith(name)]
    return alike[0] if len(alike) == 1 else None
