"""What a task is, and the context that it runs in."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from engine import media, pictures
from engine.errors import AtelierError, Cancelled
from engine.job import Media, Progress, Result
from engine.models import Pool
from engine.params import TaskParams
from engine.wire import Service

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class EngineSettings:
    """What a worker is told at its start. `memory` is the pool's budget in bytes, `models` the owner's word."""

    device: str
    folder: Path
    memory: int
    models: dict[str, str]

    @property
    def weights(self) -> Path:
        """ATELIER_WEIGHTS, for several studios that share their weights, or a folder of this one's own."""
        return Path(os.environ.get("ATELIER_WEIGHTS") or self.folder / "weights")


def _all_alike(_: TaskParams) -> str:
    return ""


@dataclass(frozen=True)
class Batching:
    """How jobs of a task share a run: those with the same `key` may, up to `most`; None is a job that runs alone.

    `run` yields the place of each job among those that it was given, as soon as that job ends, with what became of it.
    It drops a job whose context is cancelled. What it leaves when it raises is run again one by one.
    """

    key: Callable[[Any], str | None]
    run: Callable[[Sequence[Any], Sequence["Context"]], Iterator[tuple[int, Result | AtelierError]]]
    most: int


@dataclass(frozen=True)
class Task:
    """A kind of work. `choose` says which backend does it here; `load` makes that backend's model for the pool.

    `size` says of parameters how much work they are: runs of the same size take about the same time.
    """

    name: str
    version: int
    params: type[TaskParams]
    run: Callable[[Any, "Context"], Result]
    choose: Callable[[EngineSettings], Service]
    load: Callable[[EngineSettings], Any] | None = None
    size: Callable[[Any], str] = _all_alike
    batch: Batching | None = None


class Context:
    """What a running task may use. Its `progress` is also where a cancel is noticed."""

    def __init__(self, job: str, folder: Path, pool: Pool, service: Service, emit: Callable[[Progress], None]) -> None:
        self.service = service
        self.cancelled = Event()
        self._job = job
        self._folder = folder
        self._pool = pool
        self._emit = emit

    def model(self, name: str) -> AbstractContextManager[Any]:
        return self._pool.use(name)

    def check(self) -> None:
        """Raises Cancelled if somebody ended this job."""
        if self.cancelled.is_set():
            raise Cancelled("Cancelled.")

    def progress(self, stage: str, fraction: float, preview: "NDArray[np.uint8] | None" = None) -> None:
        """Tell how far the job is; `preview` is H,W,3. Raises Cancelled if somebody ended this job."""
        self.check()
        self._emit(Progress(job=self._job, stage=stage, fraction=fraction, preview=self._preview(fraction, preview)))

    def _preview(self, fraction: float, picture: "NDArray[np.uint8] | None") -> Media | None:
        if picture is None:
            return None
        return pictures.preview(picture, self._folder / "previews" / f"{self._job}-{fraction:.3f}.webp")

    def keep(self, picture: "NDArray[np.uint8]") -> Media:
        """The picture, H,W,3, as a PNG named by its content."""
        return self.keep_file(pictures.png(picture))

    def keep_file(self, made: Path | bytes, suffix: str | None = None) -> Media:
        """A file that is moved away from where it is, or its bytes, named by its content; see `media.keep`."""
        return media.keep(made, self._folder / "media", suffix)
