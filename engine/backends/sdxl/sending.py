"""From the host to the device, behind what the device still does."""

from typing import Any


def send(tensor: Any, device: str) -> Any:
    """`tensor` on `device`. A copy from pageable memory would wait until a GPU has done all that it was told."""
    if not device.startswith("cuda"):
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
