"""Which devices there are, asked of the NVIDIA driver without loading torch."""

import os
from collections.abc import Mapping
from typing import Any

from engine.errors import EngineDied

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


def gpus(environment: Mapping[str, str]) -> list[Any]:
    """The driver's handles of the GPUs, numbered as CUDA numbers them by bus."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    every = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    if VISIBLE not in environment:
        return every
    shown = []
    for name in environment[VISIBLE].split(","):
        handle = _called(name.strip(), every)
        if handle is None:
            break  # as CUDA does, which shows none behind one that it does not know
        shown.append(handle)
    return shown


def _called(name: str, every: list[Any]) -> Any:
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
