"""What a running task may use: its models, its temporary folder, its progress and where results are kept."""

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
"""Seconds between two looks whether a full disk has room again."""


class Context:
    """What a running task may use. Its `progress` is also where a cancel is noticed."""

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
        """`services` are the worker's by task, for tasks that stand on others."""
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
        """The studio's data folder."""
        return self._folder

    @property
    def weights(self) -> Path:
        return weights_folder(self._folder)

    def model(self, name: str) -> AbstractContextManager[Any]:
        return self._pool.use(name)

    def for_task(self, task: str, *, quiet: bool = False) -> "Context":
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
    def temp_dir(self) -> Iterator[Path]:
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
        made = self._stages.load(name)
        if made is None:
            result = make()
            self._retry_when_disk_full(lambda: self._stages.save(name, result))
            return result
        log.info("stage was made before", job=self._job, stage=name)
        return made

    def _preview(self, fraction: float, picture: "NDArray[np.uint8] | None") -> Media | None:
        if picture is None:
            return None
        with contextlib.suppress(OSError):  # such as a full disk: nobody needs a preview
            return rgb.preview(picture, self._folder / "previews" / f"{self._job}-{fraction:.3f}.webp")
        return None

    def _retry_when_disk_full(self, write: Callable[[], T]) -> T:
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
            self.cancelled.wait(DISK_RETRY_SECONDS)
            self.check()

    def save_image(self, picture: "NDArray[np.uint8]") -> Media:
        """The picture, H,W,3, as a PNG named by its content."""
        return self.save_file(png.encode(picture))

    def save_file(self, made: Path | bytes, suffix: str | None = None) -> Media:
        """A file that is moved away from where it is, or its bytes, named by its content; see `media.keep`."""
        keep = partial(media.keep, made, self._folder / "media", suffix)
        return self._retry_when_disk_full(keep) if isinstance(made, bytes) else keep()
