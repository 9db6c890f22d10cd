"""Loads a checkpoint as diffusers pipelines with their weights in host memory."""

import contextlib
from dataclasses import dataclass
from typing import Any

from engine.core.errors import MissingModel
from engine.core.settings import WorkerSettings
from engine.tasks.text_to_video.ltx.checkpoint import Checkpoint
from engine.torch_support.cuda import cap_memory
from engine.torch_support.torchvision_import import import_torchvision


@dataclass(frozen=True)
class Pipelines:
    """`reader` encodes prompts; `words` and `picture` make videos from those, and from a picture too.

    The latter two hold no text encoder, so that it need not be on their device.
    """

    reader: Any
    words: Any
    picture: Any
    conditions: bool

    @property
    def tokens(self) -> int:
        """Return the tokens of a prompt: the default `max_sequence_length` of either pipeline."""
        return 256 if self.conditions else 128


def load(chosen: Checkpoint, settings: WorkerSettings) -> Pipelines:
    """Load the pipelines, bf16 on a GPU, fp32 on the CPU. Raises MissingModel."""
    import_torchvision()
    import torch
    from diffusers import DiffusionPipeline, LTXConditionPipeline, LTXImageToVideoPipeline, LTXPipeline

    cap_memory(settings)
    dtype = torch.bfloat16 if settings.device.startswith("cuda") else torch.float32
    options: dict[str, Any] = {
        "dtype": dtype,
        "use_safetensors": True,
        "local_files_only": chosen.local,
        "revision": None if chosen.local else chosen.revision,
        "cache_dir": None if chosen.local else settings.weights / "hub",
    }
    with _telling(chosen):
        reader: Any = DiffusionPipeline.from_pretrained(chosen.source, **options)
        if not isinstance(reader, LTXPipeline | LTXImageToVideoPipeline | LTXConditionPipeline):
            raise ValueError(f"{type(reader).__name__} is no pipeline of LTX-Video")  # noqa: TRY004  # a wrong folder
    conditions = isinstance(reader, LTXConditionPipeline)
    kinds = (LTXConditionPipeline,) * 2 if conditions else (LTXPipeline, LTXImageToVideoPipeline)
    parts = {**reader.components, "text_encoder": None, "tokenizer": None}
    words, picture = (kind(**parts) for kind in kinds)
    for pipe in (words, picture):
        pipe.set_progress_bar_config(disable=True)
    return Pipelines(reader, words, picture, conditions)


@contextlib.contextmanager
def _telling(chosen: Checkpoint) -> Any:
    try:
        yield
    except (OSError, ValueError) as error:
        raise MissingModel(
            "The video model {name} cannot be loaded: files are missing, damaged or of another model, or the"
            " hub can't be reached. Check models.video in config.toml.",
            name=chosen.name,
        ) from error
