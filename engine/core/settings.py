"""The settings of a worker process."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from engine.core.job import WireModel
from engine.weights.registry import weights_folder


class WorkerSettings(WireModel):
    """The settings of one worker. They are the first line that it reads.

    A new setting is a field here and, if the owner may set it, a field of the same name in the `[engine]` section.
    """

    type: Literal["settings"] = "settings"
    #: The device: "cpu" or "cuda:N".
    device: str = "cpu"
    #: The UUID of the GPU or MIG slice that `device` stands for; empty for the CPU, and if its number is enough.
    gpu: str = ""
    #: The data folder, which holds media, previews and weights.
    folder: Path = Path("data")
    #: Budget for loaded models, in bytes.
    memory: int = Field(15_000_000_000, ge=0)
    #: Seconds after which an unused model is unloaded.
    idle: float = Field(600.0, gt=0)
    #: Upper bound for the pixels of a picture or of a frame.
    max_pixels: int = Field(50_000_000, ge=1)
    #: The configured backend or checkpoint of each task, and the models that users may choose: `checkpoint:NAME` for
    #: each named checkpoint, and `control:KIND` for each ControlNet.
    models: dict[str, str] = Field(default_factory=dict)
    #: Whether the owner has accepted weights that are for non-commercial research only.
    noncommercial: bool = False
    #: The tasks that the worker runs; empty for all.
    tasks: tuple[str, ...] = ()

    @property
    def weights(self) -> Path:
        """Return the weights folder."""
        return weights_folder(self.folder)

    def with_checkpoint(self, task: str, name: str) -> "WorkerSettings":
        """Return these settings with the checkpoint called `name` as the model of `task`. Raises KeyError."""
        return self.model_copy(update={"models": {**self.models, task: self.models[f"checkpoint:{name}"]}})
