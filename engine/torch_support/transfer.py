"""Pixels on their way to a device and back, through pinned memory, so that neither side waits for the other."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Tensor = Any  # torch.Tensor, of which the types are Any here


def tensor_to_device(tensor: Tensor, device: str | torch.device) -> Tensor:
    """`tensor` on `device`. A copy from pageable memory would wait until a GPU has done all that it was told."""
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def array_to_device(values: NDArray[Any], device: torch.device) -> Tensor:
    """`values` on `device`, as soon as it comes to them."""
    if device.type != "cuda":
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)
    pinned = torch.empty(values.shape, dtype=torch.from_numpy(values[:0]).dtype, pin_memory=True)
    pinned.numpy()[...] = values
    return pinned.to(device, non_blocking=True)


class AsyncCopy:
    """A tensor on its way from its device; a GPU's may be overwritten by later work of the same stream."""

    def __init__(self, values: Tensor) -> None:
        self._held, self._event = values, None
        if values.device.type == "cuda":
            self._held = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._held.copy_(values, non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record()

    def result(self) -> NDArray[Any]:
        """As soon as the device is done with it."""
        if self._event is not None:
            self._event.synchronize()
        return np.asarray(self._held.numpy())
