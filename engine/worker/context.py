"""What a running task may use: models, a temporary folder, progress reports and the folder for results."""

import contextlib
import copy
import errno
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from engine.core.errors import Cancelled
from engine.core.job import Media, Progress, Result
from engine.core.protocol import Capability
from engine.core.stage_store import SCRATCH, StageStore
from engine.media import files as media
from engine.media import png, rgb
from engine.weights.registry import weights_folder
from engine.worker.model_pool import Pool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = structlog.get_logger()

T = TypeVar("T")

DISK_RETRY_SECONDS = 1.0
"""Seconds between two attempts to write to a full disk."""


class Context:
    """What a running task may use. A cancel reaches the task when it calls `progress`, `check` or `stage`."""

    def __init__(
        self,
        job: str,
        folder: Path,
        pool: Pool,
        service: Capability,
        emit: Callable[[Progress], None],
        *,
        services: Mapping[str, Capability] | None = None,
    ) -> None:
        """`service` is the backend of the task itself. `services` are those of all tasks, for tasks that use others."""
        self.service = service
        self._services = services or {}
        self.cancelled = Event()
        self._job = job
        self._folder = folder
        self._pool = pool
        self._emit = emit
        self._stages = StageStore(folder, job)

    @property
    def folder(self) -> Path:
        """Return the data folder."""
        return self._folder

    @property
    def weights(self) -> Path:
        """Return the weights folder."""
        return weights_folder(self._folder)

    def model(self, name: str) -> AbstractContextManager[Any]:
        """Return a context that holds the model called `name` in the pool. Entering it may load the model."""
        return self._pool.use(name)

    def for_task(self, task: str, *, quiet: bool = False) -> "Context":
        """Return a context in which this job uses another task's backend. Everything else is shared.

        A `quiet` context reports no progress. Raises KeyError if the worker does not run `task`.
        """
        other = copy.copy(self)
        other.service = self._services[task]
        if quiet:
            other._emit = lambda _: None  # noqa: SLF001  # another instance of this class
        return other

    def check(self) -> None:
        """Raise Cancelled if the job has been cancelled."""
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
        """Report progress. Raises Cancelled if the job has been cancelled.

        `stage` is a template that `facts` fill, `fraction` (0 to 1) is of the whole job, and `preview` is H,W,3.
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
    def temp_dir(self) -> Iterator[Path]:
        """Yield the absolute path of an empty folder, which is deleted on exit, or by the cleanup after a crash."""
        place = (self._folder / SCRATCH).absolute()
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{self._job}-", dir=place) as folder:
            yield Path(folder)

    def stage(self, name: str, make: Callable[[], Result]) -> Result:
        """Return the result of the job's stage `name`, from an earlier run of the job if there is one, or from `make`.

        Raises Cancelled, and what `make` raises.
        """
        self.check()
        stored = self._stages.load(name)
        if stored is None:
            result = make()
            self._retry_when_disk_full(lambda: self._stages.save(name, result))
            return result
        log.info("stage was finished in an earlier run", job=self._job, stage=name)
        return stored

    def _preview(self, fraction: float, picture: "NDArray[np.uint8] | None") -> Media | None:
        if picture is None:
            return None
        with contextlib.suppress(OSError):  # such as a full disk; a preview is not essential
            return rgb.preview(picture, self._folder / "previews" / f"{self._job}-{fraction:.3f}.webp")
        return None

    def _retry_when_disk_full(self, write: Callable[[], T]) -> T:
        """Return `write()`, waiting while the disk is full. Raises Cancelled, and any other OSError."""
        warned = False
        while True:
            try:
                return write()
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                if not warned:
                    log.warning("the disk is full; waiting for space", job=self._job)
                warned = True
            self.cancelled.wait(DISK_RETRY_SECONDS)
            self.check()

    def save_image(self, picture: "NDArray[np.uint8]") -> Media:
        """Save a picture, H,W,3, as a PNG named by its content."""
        return self.save_file(png.encode(picture))

    def save_file(self, source: Path | bytes, suffix: str | None = None) -> Media:
        """Save a file, named by its content. A path is moved, not copied; see `media.keep`."""
        keep = partial(media.keep, source, self._folder / "media", suffix)
        return self._retry_when_disk_full(keep) if isinstance(source, bytes) else keep()
