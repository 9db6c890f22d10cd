"""Keeps one worker running: starts it, gives it jobs, stops jobs that take too long, and restarts it when it dies.

A job whose worker has died is only reported. `bot.jobs.lifecycle` decides whether it runs again.
"""

import asyncio
import time
from collections.abc import Collection, Sequence

import structlog

from engine.core.errors import Cancelled, EngineDied, TimedOut, UserMessage
from engine.core.job import Done, Failed, Progress, Queued, Started
from engine.core.protocol import Batch, Cancel, Capability, IdleReport, Memory, Ready
from engine.core.settings import WorkerSettings
from engine.host.background import backoff
from engine.host.durations import DurationEstimator
from engine.host.job_handle import JobHandle
from engine.host.process import Message, WorkerProcess
from engine.host.queue import JobQueue
from engine.host.worker_state import WorkerState

log = structlog.get_logger()

READY_SECONDS = 120.0
"""Seconds that a worker may take to become ready."""
CANCEL_ACK_SECONDS = 0.5
"""Seconds after which a cancelled job is reported as cancelled, even if the worker is still loading or in a batch."""
HANG_SECONDS = 60.0
"""Seconds of silence after a cancel before a worker is killed as hung.

Some work cannot be interrupted and needs most of that time: loading large weights from a slow disk, compiling a kernel,
one step on a CPU. The user has long been told of the cancel, so only the jobs behind it wait.
"""
GRACE_SECONDS = 5.0
"""Seconds that a job over its time limit has to stop before its worker is killed."""
MAX_FAILED_STARTS = 3
"""Failed starts in a row after which a device is given up."""


class WorkerSupervisor:
    """Supervises the worker of one device. `first_outcome` is set once a worker is ready or has failed to start."""

    def __init__(
        self, device: str, settings: WorkerSettings, timeout: float, queue: JobQueue, durations: DurationEstimator
    ) -> None:
        """`device` names the worker, and `timeout` limits a run in seconds."""
        self.device = device
        self.first_outcome = asyncio.Event()
        self._settings = settings
        self._timeout = timeout
        self._queue = queue
        self._durations = durations
        self._process: WorkerProcess | None = None
        self._ready: Ready | None = None
        self._memory: Memory | None = None
        self._why: UserMessage | None = UserMessage(template="The worker is starting.")
        self._handles: dict[str, JobHandle] = {}
        self._unanswered: set[str] = set()
        self._last_message_at = 0.0
        self._is_ready = asyncio.Event()
        self._idle = asyncio.Event()
        queue.expected_devices.add(device)

    def state(self) -> WorkerState:
        """Return a snapshot of the worker."""
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
        """Return the device-seconds that the job should take here, or None if that is unknown."""
        service = self._service(handle.job.task)
        return self._durations.estimate(handle.kind(service.model, self.device)) if service else None

    def cancel(self, job: str) -> bool:
        """Cancel a job, keeping the worker unless it hangs. Returns False if the job is not running here."""
        handle = self._handles.get(job)
        if handle is None:
            return False
        handle.cancelled = True
        loop = asyncio.get_running_loop()
        loop.call_later(CANCEL_ACK_SECONDS, handle.emit, Failed.of(Cancelled("Cancelled."), job))
        if self._process is not None:
            self._process.send(Cancel(job=job))
            loop.call_later(HANG_SECONDS, self._kill_if_hung, job, self._process)
        return True

    def _kill_if_hung(self, job: str, process: WorkerProcess) -> None:
        """Kill the worker if it has not finished the cancelled job and has been silent for HANG_SECONDS."""
        if process is not self._process or job not in self._unanswered:
            return
        left = self._last_message_at + HANG_SECONDS - time.monotonic()
        if left > 0:
            asyncio.get_running_loop().call_later(left, self._kill_if_hung, job, process)
            return
        log.warning("worker hangs in a cancelled job and will be killed", device=self.device, job=job)
        process.kill_hung()

    async def run_forever(self) -> None:
        """Start workers until cancelled. An unexpected error costs one worker: it is logged, and another one starts."""
        failures = 0
        while True:
            failed = await self._run_once()
            failures = int(failed) if self._is_ready.is_set() else failures + 1
            self._report_death()
            self.first_outcome.set()
            if failures >= MAX_FAILED_STARTS:
                self._give_up()
            await asyncio.sleep(backoff(failures))

    def _report_death(self) -> None:
        """End the runs of the worker that has died."""
        handles, self._handles = self._handles, {}
        for handle in handles.values():
            handle.worker_died(self.device)

    async def _run_once(self) -> bool:
        """Run one worker until it has died. Returns True if a bug on the bot's side ended it."""
        self._is_ready, self._process = asyncio.Event(), None
        try:
            await self._session()
        except Exception:
            log.exception("worker stopped by a bug of ours", device=self.device)
            self._why = UserMessage(
                template="The worker stopped because of a bug in Atelier and is restarting. Details are in the log."
            )
            return True
        return False

    async def _session(self) -> None:
        """Serve one worker until it has died. Raises what dispatching or listening raised, once the worker is gone."""
        process = self._process = await WorkerProcess.start(self._settings)
        try:
            async with asyncio.TaskGroup() as tasks:
                dispatcher = tasks.create_task(self._dispatch_loop(process))
                self._why = await self._listen(process)
                dispatcher.cancel()
            if not process.exited_cleanly:
                log.error("worker died", device=self.device, why=str(self._why))
        finally:
            self._queue.devices.discard(self.device)
            await process.close()

    def _give_up(self) -> None:
        """Give up this device, and fail all queued jobs if no other device is left."""
        self._ready = None
        self._queue.expected_devices.discard(self.device)
        if not self._queue.expected_devices:
            self._queue.fail_all(
                EngineDied("The engine cannot start; /status shows why. Ask an admin to check the log.")
            )

    async def _listen(self, process: WorkerProcess) -> UserMessage:
        """Handle the worker's messages until it dies, and return why it died."""
        try:
            while (message := await process.receive()) is not None:
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
                log.warning("message about a job that is not running here", device=self.device, job=message.job)
            case Done() | Failed():
                self._finish_job(self._handles[message.job], message)
            case Started() | Progress() | Queued():
                self._handles[message.job].emit(message)

    def _finish_job(self, handle: JobHandle, outcome: Done | Failed) -> None:
        self._unanswered.discard(handle.job.id)
        handle.emit(outcome)
        service = self._service(handle.job.task)
        if isinstance(outcome, Done) and service is not None and not self._unanswered:
            share = handle.elapsed_seconds() / len(self._handles)
            self._durations.record(handle.kind(service.model, self.device), share)

    def _service(self, task: str) -> Capability | None:
        services = self._ready.services if self._ready else ()
        return next((service for service in services if service.task == task), None)

    def _max_batch(self, task: str) -> int:
        service = self._service(task)
        return service.together if service else 1

    def _resident_models(self) -> Collection[str]:
        return self._memory.models if self._memory else ()

    async def _dispatch_loop(self, process: WorkerProcess) -> None:
        """Once the worker is ready, give it one job or batch after another. Kill it if it does not become ready."""
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
        """Run one job or a batch, until the worker is idle again."""
        self._handles = {handle.job.id: handle for handle in handles}
        self._unanswered = set(self._handles)
        self._idle.clear()
        started = time.monotonic()
        try:
            for handle in handles:
                handle.begin_run(self.expected_seconds(handle) if len(handles) == 1 else None)
            runs = tuple(handle.run_message for handle in handles)
            process.send(runs[0] if len(runs) == 1 else Batch(runs=runs))
            async with asyncio.timeout(self._timeout):
                await self._idle.wait()
        except TimeoutError:
            await self._stop_overdue(process)
        finally:
            self._queue.finish_run(self.device, time.monotonic() - started)

    async def _stop_overdue(self, process: WorkerProcess) -> None:
        """Fail and cancel the jobs over the time limit, and kill the worker if they do not stop."""
        limit = self._timeout
        for job, handle in self._handles.items():
            if handle.ended:
                continue
            log.warning("job timed out", job=job, user=handle.job.user, seconds=limit)
            error = TimedOut(
                "This took longer than {limit:duration}, so it was stopped. Try something smaller.", limit=limit
            )
            handle.emit(Failed.of(error, job))
            process.send(Cancel(job=job))
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            process.kill_hung()
            await asyncio.Event().wait()
