"""Device discovery through the NVIDIA driver, without loading torch."""

import os
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

import structlog

from engine.core.errors import EngineDied

log = structlog.get_logger()

VISIBLE_GPUS_VARIABLE = "CUDA_VISIBLE_DEVICES"
"""Environment variable with the GPUs that CUDA shows to a process, by number or UUID and in its order. Unset: all."""


def devices(wanted: str) -> tuple[str, ...]:
    """Return the device names that `engine.device` in config.toml stands for, one per worker.

    "auto" is every NVIDIA GPU, or the CPU if there is none; "cuda" is every GPU; any other value is that device alone.
    Raises EngineDied if a GPU is requested that this machine does not have.
    """
    if wanted == "cpu":
        return ("cpu",)
    found = tuple(f"cuda:{index}" for index, gpu in enumerate(gpus(os.environ)) if gpu is not None)
    if wanted == "auto":
        return found or ("cpu",)
    matching = tuple(name for name in found if wanted in ("cuda", name))
    if not matching:
        raise EngineDied(
            "engine.device in config.toml is {device}, but this machine doesn't have it. NVIDIA GPUs found: {found}."
            " Check nvidia-smi, or set engine.device to auto or cpu.",
            device=wanted,
            found=", ".join(found) or 0,
        )
    return matching


def gpu_uuid(device: str, environment: Mapping[str, str]) -> str:
    """Return the UUID of the GPU or MIG slice "cuda:N", or "" for the CPU and for a GPU that is not available."""
    import pynvml

    if not device.startswith("cuda"):
        return ""
    found, number = gpus(environment), int(device.partition(":")[2] or 0)
    gpu = found[number] if number < len(found) else None
    return "" if gpu is None else str(pynvml.nvmlDeviceGetUUID(gpu))


def hide_other_gpus(device: str, environment: MutableMapping[str, str], uuid: str = "") -> str:
    """Make `device` the only GPU that this process and its children can see, and return the name it then has.

    `device` is "cpu", which changes nothing, or "cuda:N", which becomes "cuda:0". Libraries create streams and graphs
    on the current device, which is number 0 unless each of them is told otherwise. Call this before CUDA is loaded.
    With a `uuid` the number in `device` is only a name. Raises EngineDied if there is no such GPU.
    """
    if not device.startswith("cuda"):
        return device
    if uuid:
        environment[VISIBLE_GPUS_VARIABLE] = uuid
    visible = gpu_uuid("cuda:0" if uuid else device, environment)
    if not visible:
        raise EngineDied("The GPU {device} is no longer available. Check nvidia-smi.", device=device)
    environment[VISIBLE_GPUS_VARIABLE] = visible
    return "cuda:0"


def gpus(environment: Mapping[str, str]) -> list[Any]:
    """Return the driver's handles of the GPUs that CUDA shows, in CUDA's order by PCI bus.

    If CUDA_VISIBLE_DEVICES is not set, a GPU in MIG mode is replaced by its slices. A GPU that the driver has lost is
    None, so that the others keep their numbers. Returns [] without a driver.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    handles = [_gpu_handle(index) for index in range(pynvml.nvmlDeviceGetCount())]
    if VISIBLE_GPUS_VARIABLE not in environment:
        return [part for gpu in handles for part in _mig_slices(gpu) or (gpu,)]
    visible = list[Any]()
    for name in environment[VISIBLE_GPUS_VARIABLE].split(","):
        handle = _find_gpu(name.strip(), handles)
        if handle is None:
            break  # CUDA ignores everything after the first name that it does not know
        visible.append(handle)
    names = [pynvml.nvmlDeviceGetUUID(handle) for handle in visible]
    return visible if len(set(names)) == len(names) else []  # CUDA shows nothing if a GPU is named twice


def _gpu_handle(index: int) -> Any:
    """Return the driver's handle of the GPU with this number, or None if the GPU has failed, which is logged."""
    import pynvml

    try:
        return pynvml.nvmlDeviceGetHandleByIndex(index)
    except pynvml.NVMLError as error:
        log.warning("a GPU does not respond and is left out", number=index, why=str(error))
        return None


def _mig_slices(gpu: Any) -> list[Any]:
    """Return the handles of the slices of a GPU in MIG mode, or [] for a whole GPU."""
    import pynvml

    if gpu is None:
        return []
    try:
        current, _ = pynvml.nvmlDeviceGetMigMode(gpu)
    except pynvml.NVMLError_NotSupported:
        return []
    slices = []
    for index in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(gpu) if current else 0):
        with suppress(pynvml.NVMLError_NotFound):  # a slot without a slice
            slices.append(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, index))
    return slices


def _find_gpu(name: str, handles: list[Any]) -> Any:
    """Return the GPU with this number, UUID or unique beginning of a UUID, or None if there is none.

    A GPU in MIG mode stands for its first slice, because that is the one that CUDA uses (MIG User Guide, "Running CUDA
    Applications on Bare-Metal").
    """
    import pynvml

    if name.startswith("MIG-"):
        try:
            return pynvml.nvmlDeviceGetHandleByUUID(name)
        except pynvml.NVMLError:
            return None
    present = [handle for handle in handles if handle is not None]
    if name.isdecimal():
        matches = handles[int(name) : int(name) + 1]
    else:
        matches = [handle for handle in present if name and pynvml.nvmlDeviceGetUUID(handle).startswith(name)]
    if len(matches) != 1:
        return None
    return next(iter(_mig_slices(matches[0])), matches[0])
