"""Keeps one worker alive: starts it, feeds it from the line, times its jobs out, starts it again when it died."""

import asyncio
import time
from collections.abc import Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from engine.core.errors import Broken, Cancelled, EngineDied, TimedOut, UserMessage
from engine.core.job import Done, Failed, Progress, Queued, Started
from engine.core.protocol import Batch, Cancel, Capability, IdleReport, Memory, Ready
from engine.host.background import backoff
from engine.host.durations import DurationEstimator
from engine.host.job_handle import JobHandle
from engine.host.process import Message, WorkerProcess
from engine.host.queue import JobQueue

log = structlog.get_logger()

READY_SECONDS = 120.0
"""How long a worker may take to say Ready."""
CANCEL_ACK_SECONDS = 0.5
"""Seconds in which a worker should heed a cancel; then the person is told, though it still loads or shares a run."""
HANG_SECONDS = 60.0
"""Seconds that a worker may be silent after a cancel before it is ended as hung.

What cannot be interrupted needs most of them: loading the largest weights from a slow disk, a kernel's first compile,
a step on a CPU. Who cancelled was told long before, so this holds up those behind them alone.
"""
GRACE_SECONDS = 5.0
"""How long an overdue job may take to notice its cancel before its worker is killed."""
MAX_FAILED_STARTS = 3
"""Failed starts in a row after which nothing is hoped of a device."""
MAX_ATTEMPTS = 2
"""Runs that a job may have: one whose worker died twice is the likely cause."""


@dataclass(frozen=True)
class WorkerState:
    """One worker as `status` shows it. `why` is said where it is not ready; `services` outlive a restart."""

    device: str
    pid: int | None = None
    ready: bool = False
    why: UserMessage | None = None
    running: tuple[str, ...] = ()
    memory: Memory | None = None
    services: tuple[Capability, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    notes: tuple[UserMessage, ...] = ()


class WorkerSupervisor:
    """`first_outcome` is set once the worker is ready or has failed to start."""

    def __init__(
        self, device: str, arguments: list[str], timeout: float, queue: JobQueue, durations: DurationEstimator
    ) -> None:
        self.device = device
        self.first_outcome = asyncio.Event()
        self._arguments = arguments
        self._timeout = timeout
        self._queue = queue
        self._durations = durations
        self._process: WorkerProcess | None = None
        self._ready: Ready | None = None
        self._memory: Memory | None = None
        self._why: UserMessage | None = UserMessage(template="It is starting.")
        self._handles: dict[str, JobHandle] = {}
        self._unanswered: set[str] = set()
        self._last_message_at = 0.0
        self._is_ready = asyncio.Event()
        self._idle = asyncio.Event()
        queue.expected_devices.add(device)

    def state(self) -> WorkerState:
        return WorkerState(
            device=self.device,
            pid=self._process.pid if self._process else None,
            ready=self._why is None,
            why=self._why,
            running=tuple(self._handles),
            memory=self._memory,
            services=self._ready.services if self._ready else (),
            versions=self._ready.versions if self._ready else {},
            notes=self._ready.notes if self._ready else (),
        )

    def expected_seconds(self, handle: JobHandle) -> float | None:
        """Device-seconds that the ticket should take here; None while nobody knows."""
        service = self._service(handle.job.task)
        return self._durations.estimate(handle.kind(service.model, self.device)) if service else None

    def cancel(self, job: str) -> bool:
        """End the running job if it is this one; the worker and its models stay, unless it hangs."""
        handle = self._handles.get(job)
        if handle is None:
            return False
        handle.cancelled = True
        loop = asyncio.get_running_loop()
        loop.call_later(CANCEL_ACK_SECONDS, handle.emit, Failed.of(Cancelled("Cancelled."), job))
        if self._process is not None:
            self._process.send(Cancel(job=job))
            loop.call_later(HANG_SECONDS, self._end_hung, job, self._process)
        return True

    def _end_hung(self, job: str, process: WorkerProcess) -> None:
        """End the worker that still holds a cancelled job; one that was heard meanwhile works for others."""
        if process is not self._process or job not in self._unanswered:
            return
        left = self._last_message_at + HANG_SECONDS - time.monotonic()
        if left > 0:
            asyncio.get_running_loop().call_later(left, self._end_hung, job, process)
            return
        log.warning("worker hangs in a cancelled job and is ended", device=self.device, job=job)
        process.kill_hung()

    async def run_forever(self) -> None:
        """Until cancelled. What nobody foresaw costs one worker: it is told in the log, and another one starts."""
        failures = 0
        while True:
            fault = await self._run_once()
            failures = int(fault) if self._is_ready.is_set() else failures + 1
            self._reclaim_jobs()
            self.first_outcome.set()
            if failures >= MAX_FAILED_STARTS:
                self._give_up()
            await asyncio.sleep(backoff(failures))

    async def _run_once(self) -> bool:
        """One life of a worker. True if it was ended by a fault of the bot's own."""
        self._is_ready, self._process = asyncio.Event(), None
        try:
            await self._session()
        except Exception:
            log.exception("worker given up by a fault of ours", device=self.device)
            self._why = UserMessage(template="It was lost by a fault of ours and starts again. The log says more.")
            return True
        return False

    async def _session(self) -> None:
        """Until the worker has died. Raises what its feeding or its hearing raised, when it is gone."""
        process = self._process = await WorkerProcess.start(self._arguments)
        try:
            async with asyncio.TaskGroup() as duties:
                feeder = duties.create_task(self._dispatch_loop(process))
                self._why = await self._listen(process)
                feeder.cancel()
            if not process.exited_cleanly:
                log.error("worker died", device=self.device, why=str(self._why))
        finally:
            self._queue.devices.discard(self.device)
            await process.close()

    def _give_up(self) -> None:
        """Where no other device serves the line, whoever waits in it is told."""
        self._ready = None
        self._queue.expected_devices.discard(self.device)
        if not self._queue.expected_devices:
            self._queue.fail_all(
                EngineDied("The engine cannot start; /status says why. Ask an admin to look at its log.")
            )

    async def _listen(self, process: WorkerProcess) -> UserMessage:
        """Hear the worker until it dies, and say why it did."""
        try:
            async with aclosing(process.messages()) as messages:
                async for message in messages:
                    self._on_message(message)
        except EngineDied as error:
            return error.sentence
        return await process.exit_reason()

    def _on_message(self, message: Message) -> None:
        self._last_message_at = time.monotonic()
        match message:
            case Ready():
                self._ready, self._why = message, None
                self._queue.devices.add(self.device)
                self._queue.expected_devices.add(self.device)
                self._is_ready.set()
                self.first_outcome.set()
            case IdleReport():
                self._memory = message.memory
                if not self._unanswered:
                    self._idle.set()
            case _ if message.job not in self._handles:
                log.warning("a worker told of a job that is not its own", device=self.device, job=message.job)
            case Done() | Failed():
                self._finish_job(self._handles[message.job], message)
            case Started() | Progress() | Queued():
                self._handles[message.job].emit(message)

    def _finish_job(self, handle: JobHandle, answer: Done | Failed) -> None:
        self._unanswered.discard(handle.job.id)
        handle.emit(answer)
        service = self._service(handle.job.task)
        if isinstance(answer, Done) and service is not None and not self._unanswered:
            self._durations.record(
                handle.kind(service.model, self.device), handle.elapsed_seconds() / len(self._handles)
            )

    def _service(self, task: str) -> Capability | None:
        services = self._ready.services if self._ready else ()
        return next((service for service in services if service.task == task), None)

    def _max_batch(self, task: str) -> int:
        service = self._service(task)
        return service.together if service else 1

    def _resident_models(self) -> Collection[str]:
        return self._memory.models if self._memory else ()

    async def _dispatch_loop(self, process: WorkerProcess) -> None:
        """Give the worker one job after the other."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._is_ready.wait()
        except TimeoutError:
            process.kill()
            return
        while True:
            handles = await self._queue.dequeue(self.device, self._resident_models, self._max_batch)
            await self._run(handles, process)
            self._handles = {}

    async def _run(self, handles: Sequence[JobHandle], process: WorkerProcess) -> None:
        """Until the worker is free again."""
        self._handles = {handle.job.id: handle for handle in handles}
        self._unanswered = set(self._handles)
        self._idle.clear()
        begun = time.monotonic()
        try:
            for handle in handles:
                handle.begin_run(self.expected_seconds(handle) if len(handles) == 1 else None)
            process.send(
                handles[0].run_message if len(handles) == 1 else Batch(runs=tuple(each.run_message for each in handles))
            )
            async with asyncio.timeout(self._timeout):
                await self._idle.wait()
        except TimeoutError:
            await self._end_overdue(process)
        finally:
            self._queue.finish_run(self.device, time.monotonic() - begun)

    async def _end_overdue(self, process: WorkerProcess) -> None:
        limit = f"{self._timeout:g}"
        for job, handle in self._handles.items():
            if handle.ended:
                continue
            log.warning("job timed out", job=job, user=handle.job.user, seconds=limit)
            overdue = TimedOut("It took longer than {limit} s and was ended. Ask for less.", limit=limit)
            handle.emit(Failed.of(overdue, job))
            process.send(Cancel(job=job))
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            process.kill_hung()
            await asyncio.Event().wait()

    def _reclaim_jobs(self) -> None:
        """What was given to a worker that is gone."""
        handles, self._handles = self._handles, {}
        for handle in handles.values():
            if handle.ended:
                continue
            try:
                self._retry(handle)
            except Exception:
                log.exception("job lost by a fault of ours", job=handle.job.id)
                handle.emit(Failed.of(Broken("The job was lost by a fault of ours. Ask for it again."), handle.job.id))

    def _retry(self, handle: JobHandle) -> None:
        """Once more if it has had a single run; else it is given up as the likely cause."""
        if handle.cancelled:
            handle.emit(Failed.of(Cancelled("Cancelled."), handle.job.id))
        elif handle.attempt < MAX_ATTEMPTS:
            log.warning("job runs again", job=handle.job.id, user=handle.job.user)
            self._queue.enqueue(handle)
        else:
            handle.emit(Failed.of(_poison_error(), handle.job.id))


def _poison_error() -> EngineDied:
    return EngineDied("The engine died twice while it worked on this job, so it was given up. Try other options.")
