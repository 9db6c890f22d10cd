"""Runs a task as a worker does, but in the test's process."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.core.job import Media, Progress
from engine.core.settings import WorkerSettings
from engine.core.task import Task
from engine.media.files import keep
from engine.worker.context import Context
from engine.worker.loop import loaders
from engine.worker.model_pool import Pool


class TaskHarness:
    """A data folder, a CPU context of a task, and the progress it has reported, in `told`."""

    def __init__(
        self, task: Task, folder: Path, models: dict[str, str] | None = None, *, noncommercial: bool = False
    ) -> None:
        self.folder = folder
        self.told: list[Progress] = []
        settings = WorkerSettings(folder=folder, memory=10**9, models=models or {}, noncommercial=noncommercial)
        service = task.choose(settings)
        self.pool = Pool(10**9, dict(loaders([task], {task.name: service}, settings)))
        self.context = Context("job", folder, self.pool, service, self.told.append)

    def attach(self, picture: Image.Image | NDArray[np.uint8], kind: str = "PNG", **options: Any) -> Media:
        """Save a picture in the media folder, in Pillow's format `kind`, and return it as an option's value."""
        buffer = io.BytesIO()
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        image.save(buffer, kind, **options)
        return keep(buffer.getvalue(), self.folder / "media")
