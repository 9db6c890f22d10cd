"""A task as a worker runs it, without the worker."""

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
    """A folder, a context on the CPU, and what was told."""

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
        held = io.BytesIO()
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        image.save(held, kind, **options)
        return keep(held.getvalue(), self.folder / "media")
