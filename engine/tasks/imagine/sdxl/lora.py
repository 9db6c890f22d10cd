"""LoRAs from the owner's folder: small additions to a checkpoint."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.core.errors import MissingModel
from engine.core.protocol import NamedChoice
from engine.core.settings import WorkerSettings
from engine.weights.fingerprint import fingerprint

FOLDER = "loras"
"""Folder under the weights. Each `NAME.safetensors` in it is the LoRA NAME."""


def list_loras(settings: WorkerSettings) -> dict[str, NamedChoice]:
    """Return the installed LoRAs by name."""
    return {
        path.stem: NamedChoice(identity=fingerprint(path)) for path in sorted(_folder(settings).glob("*.safetensors"))
    }


@contextmanager
def with_loras(pipe: Any, wanted: Sequence[tuple[str, float]], settings: WorkerSettings) -> Iterator[None]:
    """Apply the LoRAs, each with its weight, within the context. Raises MissingModel."""
    try:
        for name, _ in wanted:
            _load(pipe, name, _folder(settings) / f"{name}.safetensors")
        pipe.set_adapters([_safe(name) for name, _ in wanted], [weight for _, weight in wanted])
        yield
    finally:
        pipe.unload_lora_weights()


def _load(pipe: Any, name: str, path: Path) -> None:
    from safetensors import SafetensorError

    try:
        pipe.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name=_safe(name), local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise MissingModel(
            "The LoRA {name} is damaged or not made for SDXL. Leave it out, or ask the owner.", name=name
        ) from error
    if _safe(name) not in _adapters(pipe):
        raise MissingModel(
            "The LoRA {name} is damaged or not made for SDXL. Leave it out, or ask the owner.", name=name
        )


def _adapters(pipe: Any) -> set[str]:
    return {adapter for adapters in pipe.get_list_adapters().values() for adapter in adapters}


def _safe(name: str) -> str:
    """Return `name` as torch accepts it for a module."""
    return f"lora_{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _folder(settings: WorkerSettings) -> Path:
    return settings.weights / FOLDER
