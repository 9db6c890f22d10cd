"""The job queue. The scheduler decides what runs next, and every queued job is sent its position."""

import asyncio
import heapq
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Literal, NamedTuple

from engine.core.errors import Cancelled, EngineDied
from engine.core.job import Failed, Queued
from engine.host.durations import round_wait
from engine.host.job_handle import JobHandle
from engine.host.scheduler import BatchLimit, Schedule, Waiting

POSITION_INTERVAL_SECONDS = 0.25
"""Shortest time between two updates of all positions. It grows so that updates take at most 5 % of the time."""
ESTIMATE_INTERVAL_SECONDS = 5.0
"""Seconds after which waits are estimated and sent again even if no job has moved."""

Mode = Literal["open", "paused", "draining"]
"""Whether jobs start and whether new ones are accepted. Open: both; paused: accepted only; draining: started only."""


class QueuePosition(NamedTuple):
    """A queued job and its position."""

    job: str
    user: str
    command: str
    #: Position in the queue. 1 runs next.
    place: int
    #: Seconds since the request.
    waited: float
    #: Seconds until the job should start, if that can be estimated.
    starts: float | None


class RunningJob(NamedTuple):
    """A running job."""

    job: str
    user: str
    command: str
    device: str
    #: Seconds since the run began, not counting the time for loading models.
    seconds: float


@dataclass(frozen=True)
class _Run:
    """What one device is running: the jobs as the scheduler picked and charged them, and their handles."""

    picked: tuple[Waiting, ...]
    handles: tuple[JobHandle, ...]

    def seconds_left(self) -> float:
        """Return the seconds until the device should be free, or infinity if that is unknown."""
        left = [handle.seconds_left() for handle in self.handles if not handle.ended]
        return max((inf if seconds is None else seconds for seconds in left), default=0.0)


class JobQueue:
    """The jobs that wait for a worker, and those that are running."""

    def __init__(self, expected: Callable[[JobHandle], float | None]) -> None:
        """`expected` returns the device-seconds that a job should take, if known."""
        #: Devices whose worker is ready.
        self.devices: set[str] = set()
        #: Devices whose worker is ready or may become ready.
        self.expected_devices: set[str] = set()
        self._mode: Mode = "open"
        self._expected_seconds = expected
        self._schedule = Schedule()
        self._waiting: dict[str, JobHandle] = {}
        self._running: dict[str, _Run] = {}
        self._work_available = asyncio.Event()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, job: str) -> bool:
        return job in self._waiting

    @property
    def mode(self) -> Mode:
        """Return whether jobs start and whether new ones are accepted."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        self._notify()

    def enqueue(self, handle: JobHandle) -> None:
        """Add a run of a job, and send it its position."""
        handle.expected_seconds = self._expected_seconds(handle)
        self._waiting[handle.job.id] = handle
        self._schedule.join(handle.waiting, time.time())
        for position in self.positions():
            if position.job == handle.job.id:
                self._publish_position(position)
                break
        self._notify()

    async def dequeue(
        self, device: str, resident: Callable[[], Collection[str]], max_batch: BatchLimit
    ) -> tuple[JobHandle, ...]:
        """Wait for the next job for `device`, and return it with the jobs that share its run.

        `resident` returns the models on the device, and `max_batch` limits the size of a batch of a task there.
        """
        while not (picked := self._pick(resident(), max_batch)):
            self._work_available.clear()
            await self._work_available.wait()
        handles = tuple(self._waiting.pop(job.id) for job in picked)
        self._running[device] = _Run(picked, handles)
        self._changed.set()
        return handles

    def _pick(self, resident: Collection[str], max_batch: BatchLimit) -> tuple[Waiting, ...]:
        return () if self._mode == "paused" else self._schedule.pick(resident, time.time(), max_batch)

    def finish_run(self, device: str, seconds: float) -> None:
        """Note that the run on `device` has ended after `seconds`, and charge its users."""
        picked = self._running.pop(device).picked
        for job in picked:
            self._schedule.finish_job(job, job.cost / len(picked), seconds / len(picked), time.time())
        self._notify()

    def charge(self, user: str, seconds: float, at: float) -> None:
        """Charge `user` for a run of `seconds` that ended at the Unix time `at`, before a restart."""
        self._schedule.charge(user, seconds, at)

    def cancel(self, job: str) -> bool:
        """Remove and fail a queued job. Returns False if it is not queued."""
        handle = self._waiting.pop(job, None)
        if handle is not None:
            self._schedule.leave(job, time.time())
            handle.emit(Failed.of(Cancelled("Cancelled."), job))
            self._changed.set()
        return handle is not None

    def bump(self, job: str) -> bool:
        """Move a queued job to the front. Returns False if it is not queued."""
        bumped = self._schedule.bump(job, time.time())
        self._notify()
        return bumped

    def fail_all(self, error: EngineDied) -> None:
        """Fail all queued jobs with `error`."""
        for job, handle in self._waiting.items():
            self._schedule.leave(job, time.time())
            handle.emit(Failed.of(error, job))
        self._waiting.clear()

    def position_of(self, job: str) -> int | None:
        """Return the job's position as last sent to it, from 1, or None if it is not queued."""
        handle = self._waiting.get(job)
        return handle.last_position.place if handle and handle.last_position else None

    def positions(self) -> Iterator[QueuePosition]:
        """Yield the queued jobs, the next to run first."""
        now = time.time()
        free = self._seconds_until_free()
        devices = len(free)
        for place, waiting in enumerate(self._schedule.order(now, max(devices, 1)), start=1):
            job = self._waiting[waiting.id].job
            start = self._expected_start(waiting, free)
            fits = waiting.max_running is None or waiting.max_running >= devices
            starts = round_wait(start) if fits and start < inf else None
            yield QueuePosition(job.id, job.user, job.command, place, max(now - job.created, 0.0), starts)

    def running(self) -> list[RunningJob]:
        """Return the running jobs."""
        return [
            RunningJob(handle.job.id, handle.job.user, handle.job.command, device, handle.elapsed_seconds())
            for device, run in self._running.items()
            for handle in run.handles
            if not handle.ended
        ]

    async def publish_positions(self) -> None:
        """Send jobs their positions when these change, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ESTIMATE_INTERVAL_SECONDS):
                    await self._changed.wait()
            started = time.monotonic()
            self._schedule.forget(time.time())
            for position in self.positions():
                self._publish_position(position)
            self._changed.clear()
            await asyncio.sleep(max(POSITION_INTERVAL_SECONDS, 20 * (time.monotonic() - started)))

    def _seconds_until_free(self) -> list[float]:
        """Return the seconds until each device should be free, as a heap. Empty while the queue is paused."""
        if self._mode == "paused":
            return []
        return sorted(
            self._running[device].seconds_left() if device in self._running else 0.0 for device in self.devices
        )

    def _expected_start(self, waiting: Waiting, free: list[float]) -> float:
        """Return the seconds until the job should start, or infinity if that is unknown, and occupy a device in `free`.

        The job's duration is estimated anew, because similar jobs may have run while it waited.
        """
        if not free:
            return inf
        start = free[0]
        expected = self._expected_seconds(self._waiting[waiting.id])
        heapq.heapreplace(free, inf if expected is None else start + expected)
        return start

    def _publish_position(self, position: QueuePosition) -> None:
        paused = self._mode == "paused"
        queued = Queued(job=position.job, place=position.place, seconds_left=position.starts, paused=paused)
        self._waiting[position.job].set_position(queued)

    def _notify(self) -> None:
        self._work_available.set()
        self._changed.set()
