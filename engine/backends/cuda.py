"""What the owner allows of an NVIDIA card."""

from engine.task import EngineSettings


def keep_within(settings: EngineSettings) -> None:
    """Hold torch to `settings.memory` bytes of the card: past them it is out of memory, as on a smaller card."""
    if not settings.device.startswith("cuda"):
        return
    import torch

    total = torch.cuda.get_device_properties(settings.device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, settings.memory / total), settings.device)
