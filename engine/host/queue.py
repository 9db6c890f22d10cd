"""The line of waiting jobs: who is next is the schedule's word, and everybody hears of their place."""

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
"""Seconds between two tellings of everybody's place; more where a telling takes more than a twentieth of that."""
ESTIMATE_INTERVAL_SECONDS = 5.0
"""Seconds after which the waits are told again though nobody moved."""

Mode = Literal["open", "paused", "draining"]
"""Whether jobs start and whether new ones are taken: both, only the second, only the first."""


class QueuePosition(NamedTuple):
    """A waiting job. `place` counts from 1; `starts` is seconds until it should start, None where nobody can say."""

    job: str
    user: str
    command: str
    place: int
    waited: float
    starts: float | None


class RunningJob(NamedTuple):
    """A running job, and for how many seconds it runs; loading is not counted."""

    job: str
    user: str
    command: str
    device: str
    seconds: float


@dataclass(frozen=True)
class _Run:
    """What a device does: the jobs as they were picked and charged, and their tickets."""

    picked: tuple[Waiting, ...]
    handles: tuple[JobHandle, ...]

    def seconds_left(self) -> float:
        """Seconds until the device should be free; infinity where that is not known."""
        left = [handle.seconds_left() for handle in self.handles if not handle.ended]
        return max((inf if each is None else each for each in left), default=0.0)


class JobQueue:
    """Tickets that wait for a worker, and those that have one. `usual` says what a ticket should take.

    `devices` are ready for them, `expected_devices` are those that may be or become so.
    """

    def __init__(self, expected: Callable[[JobHandle], float | None]) -> None:
        self.devices: set[str] = set()
        self.expected_devices: set[str] = set()
        self._mode: Mode = "open"
        self._expected_seconds = expected
        self._schedule = Schedule()
        self._waiting: dict[str, JobHandle] = {}
        self._running: dict[str, _Run] = {}
        self._news = asyncio.Event()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, job: str) -> bool:
        return job in self._waiting

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        self._notify()

    def enqueue(self, handle: JobHandle) -> None:
        """Wait in line, or wait again after a worker died. The first place is told at once."""
        handle.expected_seconds = self._expected_seconds(handle)
        self._waiting[handle.job.id] = handle
        self._schedule.join(handle.waiting, time.time())
        for position in self.positions():
            if position.job == handle.job.id:
                self._publish_position(position)
                break
        self._notify()

    async def dequeue(
        self, device: str, resident: Callable[[], Collection[str]], together: BatchLimit
    ) -> tuple[JobHandle, ...]:
        """The next ticket for a device that holds the models `resident`, with those that share its run.

        `together` says of a task how many tickets may share a run on it.
        """
        while not (picked := self._pick(resident(), together)):
            self._news.clear()
            await self._news.wait()
        handles = tuple(self._waiting.pop(job.id) for job in picked)
        self._running[device] = _Run(picked, handles)
        self._changed.set()
        return handles

    def _pick(self, resident: Collection[str], together: BatchLimit) -> tuple[Waiting, ...]:
        return () if self._mode == "paused" else self._schedule.pick(resident, time.time(), together)

    def finish_run(self, device: str, seconds: float) -> None:
        """What ran on `device` does not run any more; it had the device for `seconds`."""
        picked = self._running.pop(device).picked
        for job in picked:
            self._schedule.finish_job(job, job.cost / len(picked), seconds / len(picked), time.time())
        self._notify()

    def charge(self, user: str, seconds: float, at: float) -> None:
        """Remember that `user` had a device for `seconds` until the Unix time `at`, as after a restart."""
        self._schedule.charge(user, seconds, at)

    def cancel(self, job: str) -> bool:
        """End a waiting job. False where it does not wait."""
        handle = self._waiting.pop(job, None)
        if handle is not None:
            self._schedule.leave(job, time.time())
            handle.emit(Failed.of(Cancelled("Cancelled."), job))
            self._changed.set()
        return handle is not None

    def bump(self, job: str) -> bool:
        """Let a waiting job go first. False where it does not wait."""
        bumped = self._schedule.bump(job, time.time())
        self._notify()
        return bumped

    def fail_all(self, error: EngineDied) -> None:
        """Tell everybody in line that nobody can serve them."""
        for job, handle in self._waiting.items():
            self._schedule.leave(job, time.time())
            handle.emit(Failed.of(error, job))
        self._waiting.clear()

    def position_of(self, job: str) -> int | None:
        """From 1, as last told; None where the job does not wait."""
        handle = self._waiting.get(job)
        return handle.last_position.place if handle and handle.last_position else None

    def positions(self) -> Iterator[QueuePosition]:
        """Who waits, the next to run first."""
        now = time.time()
        free = self._free()
        devices = len(free)
        for place, waiting in enumerate(self._schedule.order(now, max(devices, 1)), start=1):
            job = self._waiting[waiting.id].job
            start = self._expected_start(waiting, free)
            fits = waiting.at_once is None or waiting.at_once >= devices
            starts = round_wait(start) if fits and start < inf else None
            yield QueuePosition(job.id, job.user, job.command, place, max(now - job.created, 0.0), starts)

    def running(self) -> list[RunningJob]:
        """What has a device."""
        return [
            RunningJob(handle.job.id, handle.job.user, handle.job.command, device, handle.elapsed_seconds())
            for device, run in self._running.items()
            for handle in run.handles
            if not handle.ended
        ]

    async def publish_positions(self) -> None:
        """Tell whoever moved up, for as long as the line is open."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ESTIMATE_INTERVAL_SECONDS):
                    await self._changed.wait()
            begun = time.monotonic()
            self._schedule.forget(time.time())
            for position in self.positions():
                self._publish_position(position)
            self._changed.clear()
            await asyncio.sleep(max(POSITION_INTERVAL_SECONDS, 20 * (time.monotonic() - begun)))

    def _free(self) -> list[float]:
        """Seconds until each device should be free, as a heap; none where jobs do not start."""
        if self._mode == "paused":
            return []
        return sorted(
            self._running[device].seconds_left() if device in self._running else 0.0 for device in self.devices
        )

    def _expected_start(self, waiting: Waiting, free: list[float]) -> float:
        """When the job should start, which then takes its device; infinity where that is not known.

        What its kind takes may have been learned while it waited.
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
        self._news.set()
        self._changed.set()
