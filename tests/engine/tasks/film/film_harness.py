"""A worker's inside with the real painter, voices and FFmpeg, in a folder of its own."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.core.job import Media, Progress, Result
from engine.core.settings import WorkerSettings
from engine.media import files as media
from engine.media import video
from engine.media.video import CancelOrTimeout, probe, read_frames
from engine.tasks.registry import TASKS
from engine.weights.registry import weights_folder
from engine.worker.context import Context
from engine.worker.loop import loaders
from engine.worker.model_pool import Pool


class Studio:
    """`told` holds the progress of the last job, `weights` is this machine's weights folder.

    `named` are models that the owner has named.
    """

    def __init__(self, folder: Path, **named: str) -> None:
        self.folder = folder
        self.weights = weights_folder(Path("data")).resolve()
        (folder / "weights").symlink_to(self.weights)
        self.settings = WorkerSettings(
            folder=folder, memory=10**10, models={"imagine": "pocket", "subtitle": "base", **named}
        )
        self.services = {name: task.choose(self.settings) for name, task in TASKS.items()}
        self.pool = Pool(10**10, dict(loaders(TASKS.values(), self.services, self.settings)))
        self.told: list[Progress] = []
        self._jobs = 0

    def context(self, task: str, job: str = "job") -> Context:
        self.told.clear()
        return Context(job, self.folder, self.pool, self.services[task], self.told.append, services=self.services)

    def make(self, task: str, job: str = "", **options: Any) -> Result:
        """In a job of its own where none is named."""
        self._jobs += 1
        return TASKS[task].run(
            TASKS[task].params.parse(options).with_seed(), self.context(task, job or f"job{self._jobs}")
        )

    def kept(self, path: Path) -> Media:
        found = media.keep(path.read_bytes(), self.folder / "media", path.suffix)
        return found if found.mime.startswith("image/") else video.with_dimensions(found, probe(found.path, found.mime))

    def picture(self, width: int = 640, height: int = 360) -> Media:
        """Stripes and a bright disc, right of the middle."""
        y, x = np.mgrid[:height, :width]
        pixels = np.stack([x % 256, y % 256, (x + y) % 256], axis=2).astype(np.uint8) // 2
        pixels[np.hypot(x - width * 0.7, y - height / 2) < height / 6] = (255, 230, 90)
        path = self.folder / "given.png"
        Image.fromarray(pixels).save(path)
        return self.kept(path)


def seen(made: Media) -> "list[np.ndarray[Any, np.dtype[np.uint8]]]":
    """The frames of a video."""
    found = probe(made.path, made.mime)
    assert found.video is not None
    return list(read_frames(made.path, made.mime, found.video, CancelOrTimeout()))
