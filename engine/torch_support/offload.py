"""A model's weights between the device and the host's memory.

Weights are only read. So once they lie in pinned memory, leaving the device costs nothing but letting go, and coming
back is one copy at the speed of the bus.
"""

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

MIN_FREE_HOST_BYTES = 2 * 10**9
"""Bytes of the host's memory that are left to others."""
ALIGNMENT_BYTES = 256
"""Bytes at whose multiples a tensor begins, as the device's allocator does it."""


class WeightOffloader:
    """The weights of `modules`, which are on `device` at first. `moves` counts how often they left it or came back."""

    def __init__(self, modules: Iterable[Any], device: str) -> None:
        self._weights = [each for module in modules for each in (*module.parameters(), *module.buffers())]
        self._device = device
        self._host: Any = None
        self.is_offloaded = False
        self.moves = 0

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(each.nbytes for each in self._weights)

    def offload(self) -> bool:
        """Move to the host's memory. False, and nothing moved, where that has no room."""
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
        """Move to the device."""
        import torch

        if self.is_offloaded:
            with torch.inference_mode(mode=False):  # what is made while pictures are drawn serves for more than that
                self._point_to(self._host.to(self._device))
            self.is_offloaded = False

    def drop(self) -> None:
        """Give the memory back, whoever still holds the modules, which are of no use any more."""
        import torch

        self._host = None
        self.moves += 1
        self.is_offloaded = True
        for each in self._weights:
            each.data = torch.empty(0, dtype=each.dtype)

    def _copy_to_host(self) -> bool:
        """The first time: into one piece of pinned memory."""
        import psutil
        import torch

        *begins, total = self._places()
        if psutil.virtual_memory().available < total + MIN_FREE_HOST_BYTES:
            return False
        self._host = torch.empty(total, dtype=torch.uint8, pin_memory=self._device.startswith("cuda"))
        for begin, each in zip(begins, self._weights, strict=True):
            _part(self._host, begin, each).copy_(each.data)
        return True

    def _point_to(self, memory: Any) -> None:
        self.moves += 1  # first, so that whoever meets weights half moved can see why
        *begins, _ = self._places()
        for begin, each in zip(begins, self._weights, strict=True):
            each.data = _part(memory, begin, each)

    def _places(self) -> list[int]:
        """Where each weight begins, and at the end how much all of them take."""
        return list(
            accumulate((-(-each.nbytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES for each in self._weights), initial=0)
        )


def _part(memory: Any, begin: int, like: Any) -> Any:
    """The bytes from `begin` on as a tensor of the type and shape of `like`."""
    return memory[begin : begin + like.nbytes].view(like.dtype).view(like.shape)
