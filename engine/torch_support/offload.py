"""Move a model's weights between the device and host memory.

Weights are never written. Once a copy of them is in pinned host memory, offloading them only frees device memory, and
loading them again is one copy at the speed of the bus.
"""

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

MIN_FREE_HOST_BYTES = 2 * 10**9
"""Host memory that must stay free for other programs."""
ALIGNMENT_BYTES = 256
"""Alignment of each tensor, the same as the device allocator's."""


class WeightOffloader:
    """Moves the weights of `modules`, which start on `device`. `moves` counts the moves in either direction."""

    def __init__(self, modules: Iterable[Any], device: str) -> None:
        self._weights = [each for module in modules for each in (*module.parameters(), *module.buffers())]
        self._device = device
        self._host: Any = None
        self.is_offloaded = False
        self.moves = 0

    @property
    def size(self) -> int:
        """Return the size of the weights in bytes."""
        return sum(each.nbytes for each in self._weights)

    def offload(self) -> bool:
        """Move the weights to host memory. Return False, without moving them, if there is not enough of it."""
        import torch

        if self.is_offloaded:
            return True
        if self._host is None and not self._copy_to_host():
            return False
        self._point_to(self._host)
        self.is_offloaded = True
        torch.cuda.empty_cache()
        return True

    def onload(self) -> None:
        """Move the weights to the device."""
        import torch

        if self.is_offloaded:
            with torch.inference_mode(mode=False):  # inference tensors could not be used outside inference mode
                self._point_to(self._host.to(self._device))
            self.is_offloaded = False

    def drop(self) -> None:
        """Free the weights' memory, even if the modules are still referenced. They cannot be used afterwards."""
        import torch

        self._host = None
        self.moves += 1
        self.is_offloaded = True
        for each in self._weights:
            each.data = torch.empty(0, dtype=each.dtype)

    def _copy_to_host(self) -> bool:
        """Copy the weights to one block of pinned memory. Return False if there is not enough host memory."""
        import psutil
        import torch

        *begins, total = self._offsets()
        if psutil.virtual_memory().available < total + MIN_FREE_HOST_BYTES:
            return False
        self._host = torch.empty(total, dtype=torch.uint8, pin_memory=self._device.startswith("cuda"))
        for begin, each in zip(begins, self._weights, strict=True):
            _view(self._host, begin, each).copy_(each.data)
        return True

    def _point_to(self, memory: Any) -> None:
        self.moves += 1  # counted first, so that other threads can detect weights that are half moved
        *begins, _ = self._offsets()
        for begin, each in zip(begins, self._weights, strict=True):
            each.data = _view(memory, begin, each)

    def _offsets(self) -> list[int]:
        """Return the offset of each weight in the block, followed by the block's size, in bytes."""
        return list(
            accumulate((-(-each.nbytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES for each in self._weights), initial=0)
        )


def _view(memory: Any, begin: int, like: Any) -> Any:
    """Return a view of the bytes from `begin` with the type and shape of `like`."""
    return memory[begin : begin + like.nbytes].view(like.dtype).view(like.shape)
