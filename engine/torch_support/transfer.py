"""Copy tensors to and from a device through pinned memory, so that neither the CPU nor the GPU waits for the other."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Tensor = Any  # torch.Tensor, of which the types are Any here


def tensor_to_device(tensor: Tensor, device: str | torch.device) -> Tensor:
    """Copy `tensor` to `device`. A copy from pageable memory would wait for all work that is queued on the GPU."""
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def array_to_device(values: NDArray[Any], device: torch.device) -> Tensor:
    """Copy `values` to `device` asynchronously."""
    if device.type != "cuda":
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)
    pinned = torch.empty(values.shape, dtype=torch.from_numpy(values[:0]).dtype, pin_memory=True)
    pinned.numpy()[...] = values
    return pinned.to(device, non_blocking=True)


class AsyncCopy:
    """An asynchronous copy of a tensor to the CPU. Later work on the same stream may overwrite the tensor."""

    def __init__(self, values: Tensor) -> None:
        self._copy, self._event = values, None
        if values.device.type == "cuda":
            self._copy = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._copy.copy_(values, non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record()

    def result(self) -> NDArray[Any]:
        """Wait for the copy and return it as an array."""
        if self._event is not None:
            self._event.synchronize()
        return np.asarray(self._copy.numpy())
