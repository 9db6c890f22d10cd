"""Loads a checkpoint as a diffusers pipeline on a device."""

from pathlib import Path
from typing import Any

from engine.core.errors import MissingModel
from engine.core.settings import WorkerSettings
from engine.tasks.imagine.sdxl.checkpoint import LIGHTNING, Checkpoint
from engine.torch_support.cuda import cap_memory
from engine.torch_support.torchvision_import import import_torchvision
from engine.weights import registry


def load(chosen: Checkpoint, settings: WorkerSettings) -> Any:
    """Return a `StableDiffusionXLPipeline`, fp16 on a GPU, fp32 on the CPU. Raises MissingModel."""
    import_torchvision()
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    cap_memory(settings)
    if Path(chosen.source) == settings.weights / "sdxl":
        for name in LIGHTNING:
            registry.fetch(registry.find_weight(name), settings.weights)
    dtype = torch.float16 if settings.device.startswith("cuda") else torch.float32
    pipe = _load_component(StableDiffusionXLPipeline, chosen, settings, dtype)
    if chosen.distilled:
        pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config, timestep_spacing="trailing")
    if pipe.vae.config.force_upcast:
        pipe.vae.to(torch.float32)  # it overflows in fp16
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(settings.device)


def _load_component(kind: Any, chosen: Checkpoint, settings: WorkerSettings, dtype: Any) -> Any:
    options = {
        "dtype": dtype,
        "use_safetensors": True,
        "local_files_only": chosen.local,
        "cache_dir": None if chosen.local else settings.weights / "hub",
        "variant": _variant(chosen),
    }
    try:
        return kind.from_pretrained(chosen.source, **options)
    except (OSError, ValueError) as error:
        raise MissingModel(
            "The SDXL model {name} cannot be loaded: files are missing or damaged, or the hub can't be reached."
            " Check models.imagine in config.toml.",
            name=chosen.name,
        ) from error


def _variant(chosen: Checkpoint) -> str | None:
    """Return "fp16" if the folder's files are named so. A hub repository is assumed to have both, as SDXL's has."""
    halves = not chosen.local or any(Path(chosen.source).rglob("*.fp16.safetensors"))
    return "fp16" if halves else None
