"""What a task is, and the context that it runs in."""

import contextlib
import copy
import errno
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from engine import media, pictures, png
from engine.errors import AtelierError, Cancelled
from engine.job import Media, Progress, Result
from engine.models import Pool
from engine.params import TaskParams
from engine.stages import SCRATCH, Stages
from engine.wire import Service

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = structlog.get_logger()
T = TypeVar("T")

ROOM_AGAIN = 1.0
"""Seconds between two looks whether a full disk has room again."""


@dataclass(frozen=True)
class EngineSettings:
    """What a worker is told at its start. `memory` is the pool's budget in bytes, `models` the owner's word, `idle` the
    seconds after which an unused model leaves.

    The owner's word is the backend or model of each task, by the task's name, and what else may be chosen:
    `checkpoint:NAME` for each checkpoint that they named, `control:KIND` for each network that follows a picture.
    `noncommercial` says that the owner has accepted weights which are for research alone.
    """

    device: str
    folder: Path
    memory: int
    models: dict[str, str]
    idle: float = 600.0
    noncommercial: bool = False

    @property
    def weights(self) -> Path:
        return weights_folder(self.folder)

    def choosing(self, task: str, name: str) -> "EngineSettings":
        """As if the owner had named, for the task, the checkpoint that is called `name`."""
        return replace(self, models={**self.models, task: self.models[f"checkpoint:{name}"]})


def weights_folder(data: Path) -> Path:
    """ATELIER_WEIGHTS, for several studios that share their weights, or a folder of the data folder's own."""
    return Path(os.environ.get("ATELIER_WEIGHTS") or data / "weights")


def _all_alike(_: TaskParams) -> str:
    return ""


@dataclass(frozen=True)
class Batching:
    """How jobs of a task share a run: those with the same `key` may; None is a job that runs alone.

    `run` yields the place of each job among those that it was given, as soon as that job ends, with what became of it.
    It drops a job whose context is cancelled. What it leaves when it raises is run again one by one.
    """

    key: Callable[[Any], str | None]
    run: Callable[[Sequence[Any], Sequence["Context"]], Iterator[tuple[int, Result | AtelierError]]]


@dataclass(frozen=True)
class Task:
    """A kind of work. `choose` says which backend does it here; `load` makes that backend's model for the pool.

    `others` load further models for it, by their names in the pool, which tasks may share.
    `size` says of parameters how much work they are: runs of the same size take about the same time. A task that runs
    `beside` needs no device: it has a worker of its own on the CPU and waits behind no picture.
    """

    name: str
    version: int
    params: type[TaskParams]
    run: Callable[[Any, "Context"], Result]
    choose: Callable[[EngineSettings], Service]
    load: Callable[[EngineSettings], Any] | None = None
    others: Mapping[str, Callable[[EngineSettings], Any]] = field(default_factory=dict)
    size: Callable[[Any], str] = _all_alike
    batch: Batching | None = None
    beside: bool = False


class Context:
    """What a running task may use. Its `progress` is also where a cancel is noticed."""

    def __init__(
        self,
        job: str,
        folder: Path,
        pool: Pool,
        service: Service,
        emit: Callable[[Progress], None],
        *,
        services: Mapping[str, Service] | None = None,
    ) -> None:
        """`services` are the worker's by task, for tasks that stand on others."""
        self.service = service
        self._services = services or {}
        self.cancelled = Event()
        self._job = job
        self._folder = folder
        self._pool = pool
        self._emit = emit
        self._stages = Stages(folder, job)

    @property
    def folder(self) -> Path:
        """The studio's data folder."""
        return self._folder

    @property
    def weights(self) -> Path:
        return weights_folder(self._folder)

    def model(self, name: str) -> AbstractContextManager[Any]:
        return self._pool.use(name)

    def acting(self, task: str, *, quiet: bool = False) -> "Context":
        """The context in which this job does what belongs to `task`: that one's service, all else shared.

        A `quiet` one tells no progress. KeyError where the worker has no such task.
        """
        other = copy.copy(self)
        other.service = self._services[task]
        if quiet:
            other._emit = lambda _: None  # noqa: SLF001  # another of this class
        return other

    def check(self) -> None:
        """Raises Cancelled if somebody ended this job."""
        if self.cancelled.is_set():
            raise Cancelled("Cancelled.")

    def progress(
        self,
        stage: str,
        fraction: float,
        preview: "NDArray[np.uint8] | None" = None,
        *,
        facts: dict[str, str | int | float] | None = None,
        seconds_left: float | None = None,
    ) -> None:
        """Tell how far the job is; `preview` is H,W,3, `facts` fill the names in `stage`.

        Raises Cancelled if somebody ended this job.
        """
        self.check()
        self._emit(
            Progress(
                job=self._job,
                stage=stage,
                facts=facts or {},
                fraction=fraction,
                seconds_left=seconds_left,
                preview=self._preview(fraction, preview),
            )
        )

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder to work in, by its absolute path; gone when it closes, and after a crash in a while."""
        place = (self._folder / SCRATCH).absolute()
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{self._job}-", dir=place) as folder:
            yield Path(folder)

    def stage(self, name: str, make: Callable[[], Result]) -> Result:
        """What the job's stage `name` makes: now, or already in a run of the job that was broken off.

        Raises Cancelled, and what `make` does.
        """
        self.check()
        made = self._stages.made(name)
        if made is None:
            result = make()
            self._with_room(lambda: self._stages.keep(name, result))
            return result
        log.info("stage was made before", job=self._job, stage=name)
        return made

    def _preview(self, fraction: float, picture: "NDArray[np.uint8] | None") -> Media | None:
        if picture is None:
            return None
        with contextlib.suppress(OSError):  # such as a full disk: nobody needs a preview
            return pictures.preview(picture, self._folder / "previews" / f"{self._job}-{fraction:.3f}.webp")
        return None

    def _with_room(self, write: Callable[[], T]) -> T:
        """What was made waits for room on a full disk. Raises Cancelled."""
        told = False
        while True:
            try:
                return write()
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                if not told:
                    log.warning("waiting for room on the disk", job=self._job)
                told = True
            self.cancelled.wait(ROOM_AGAIN)
            self.check()

    def keep(self, picture: "NDArray[np.uint8]") -> Media:
        """The picture, H,W,3, as a PNG named by its content."""
        return self.keep_file(png.encode(picture))

    def keep_file(self, made: Path | bytes, suffix: str | None = None) -> Media:
        """A file that is moved away from where it is, or its bytes, named by its content; see `media.keep`."""
        keep = partial(media.keep, made, self._folder / "media", suffix)
        return self._with_room(keep) if isinstance(made, bytes) else keep()
