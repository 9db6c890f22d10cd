"""The worker loop, which runs one job or batch at a time. A cancel reaches the running job through its context."""

import gc
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import NoReturn

import psutil
import structlog

from engine.core.errors import AtelierError, Broken, OutOfMemory, out_of_memory
from engine.core.job import Done, Failed, Result, Started, WireModel
from engine.core.params import TaskParams
from engine.core.protocol import Batch, Cancel, Capability, IdleReport, Ready, Run, to_worker
from engine.core.settings import WorkerSettings
from engine.core.task import Task
from engine.media.video import choose_ffmpeg
from engine.worker.context import Context
from engine.worker.memory import memory_of
from engine.worker.model_pool import Model, Pool
from engine.worker.versions import versions

log = structlog.get_logger()

GRACE_SECONDS = 2.0
"""Seconds that a running job has to stop after the bot has died."""
OOM_LEVELS = (0, 1, 2)
"""Memory levels of the runs that follow one that ran out of memory: see `engine.worker.model_pool.MemoryScalable`.

All models are closed before each of them. If none succeeds, a fresh process makes the last attempt.
"""
IDLE_CHECK_SECONDS = 5.0
"""Seconds between two checks for idle models."""
EXIT_RESTART = 71
"""Exit code of a worker that wants to be restarted; EX_OSERR in sysexits.h."""


class Worker:
    """Runs jobs of `tasks` on one device."""

    def __init__(
        self, tasks: dict[str, Task], settings: WorkerSettings, send: Callable[[WireModel], None], name: str
    ) -> None:
        """Choose a backend for each task. `send` takes messages to the bot, which knows the device as `name`."""
        self._tasks = tasks
        self._settings = settings
        self._send = send
        self._name = name
        self._services = {task.name: task.choose(settings) for task in tasks.values()}
        self._pool = Pool(settings.memory, dict(loaders(tasks.values(), self._services, settings)))
        self._inbox: queue.Queue[Run | Batch | None] = queue.Queue()
        self._running: dict[str, Context] = {}
        self._dropped: set[str] = set()
        self._lock = threading.Lock()
        self._orphaned = threading.Event()
        self._ended = threading.Event()

    def serve(self, lines: Iterable[bytes]) -> None:
        """Send Ready, then run the jobs in `lines` until they end. A job that is running then is cancelled.

        Also returns once all models have been idle for long, because libraries free some memory only with the process.
        """
        services = tuple(self._services.values())
        self._send(Ready(device=self._name, services=services, versions=versions(), notes=choose_ffmpeg().notes))
        self._send_idle_report()
        threading.Thread(target=self._reader_thread, args=(lines,), daemon=True).start()
        while (message := self._next()) is not None and not self._orphaned.is_set():
            for answer in [self._answer(message)] if isinstance(message, Run) else self._run_jobs(message):
                self._send(answer)
            self._send_idle_report()
        self._ended.set()

    def _next(self) -> Run | Batch | None:
        """Wait for the next job or batch, closing idle models meanwhile. Returns None when the worker should exit."""
        while True:
            try:
                return self._inbox.get(timeout=min(IDLE_CHECK_SECONDS, self._settings.idle))
            except queue.Empty:
                if self._pool.evict_idle(self._settings.idle) and not len(self._pool):
                    log.info("all models were idle and are unloaded; exiting to free their memory")
                    return None

    def _reader_thread(self, lines: Iterable[bytes]) -> None:
        """Receive messages, in a thread of its own. If this fails the worker exits, as nothing could reach it."""
        try:
            for line in lines:
                self._on_message(to_worker.validate_json(line))
        except Exception:
            log.exception("the bot sent an unreadable message")
            exit_now(1)
        self._orphaned.set()
        for job in list(self._running):
            self._cancel(job)
        self._inbox.put(None)
        if not self._ended.wait(GRACE_SECONDS):
            exit_now(1)

    def _on_message(self, message: Run | Batch | Cancel) -> None:
        if isinstance(message, Cancel):
            self._cancel(message.job)
        else:
            self._inbox.put(message)

    def _cancel(self, job: str) -> None:
        with self._lock:
            if job in self._running:
                self._running[job].cancelled.set()
            else:
                self._dropped.add(job)

    def _run_jobs(self, message: Batch) -> Iterator[Done | Failed]:
        """Run a batch and yield each job's outcome as it ends. Jobs that the batch leaves unfinished run singly."""
        contexts = {run.job: self._begin(run) for run in message.runs}
        batch = [run for run in message.runs if not contexts[run.job].cancelled.is_set()]
        left = {run.job: run for run in message.runs}
        parsed: dict[str, TaskParams] = {}
        try:
            for job, outcome in self._run_batch(batch, contexts, parsed) if batch else ():
                del left[job]
                yield _to_answer(job, outcome)
        except Exception:  # each job now runs singly, and reports its own error
            log.exception("batch failed; its jobs run singly", jobs=list(left))
        for run in left.values():
            yield self._answer_in(run, contexts[run.job], parsed.get(run.job))
        self._end()

    def _run_batch(
        self, runs: Sequence[Run], contexts: Mapping[str, Context], parsed: dict[str, TaskParams]
    ) -> Iterator[tuple[str, Result | AtelierError]]:
        """Yield the outcomes of a batch, by job. The parameters of each job are added to `parsed`."""
        task = self._tasks[runs[0].task]
        assert task.batch is not None
        for run in runs:
            self._send(Started(job=run.job, worker=self._name))
        for run in runs:
            parsed[run.job] = task.params.model_validate(run.params)
        params = [parsed[run.job] for run in runs]
        for number, outcome in task.batch.run(params, [contexts[run.job] for run in runs]):
            yield runs[number].job, outcome

    def _answer(self, message: Run) -> Done | Failed:
        context = self._begin(message)
        if not context.cancelled.is_set():
            self._send(Started(job=message.job, worker=self._name))
        answer = self._answer_in(message, context)
        self._end()
        return answer

    def _answer_in(self, message: Run, context: Context, parsed: TaskParams | None = None) -> Done | Failed:
        """Return the outcome of a run, whose parameters may have been `parsed` already."""
        try:
            context.check()
            task = self._tasks[message.task]
            params = task.params.model_validate(message.params) if parsed is None else parsed
            return Done(job=message.job, result=self._retry_on_oom(message, lambda: task.run(params, context)))
        except AtelierError as error:
            return Failed.of(error, message.job)
        except Exception:  # the worker survives any error of a task, and the user is told
            log.exception("task failed", job=message.job, task=message.task)
            broken = Broken("Something went wrong on our side. Try other options; details are in the log.")
            return Failed.of(broken, message.job)

    def _begin(self, run: Run) -> Context:
        """Create the context of a run. Cancels reach it from now on, and one that has come before is applied."""
        context = Context(
            run.job, self._settings.folder, self._pool, self._services[run.task], self._send, services=self._services
        )
        with self._lock:
            self._running[run.job] = context
            if run.job in self._dropped:
                context.cancelled.set()
        return context

    def _end(self) -> None:
        with self._lock:
            self._running.clear()
            if self._inbox.empty():
                self._dropped.clear()

    def _retry_on_oom(self, message: Run, run: Callable[[], Result]) -> Result:
        """Return `run()`, saving more memory each time that memory runs out; see OOM_LEVELS. Raises what `run` does."""
        try:
            for attempt, level in enumerate((0, *OOM_LEVELS)):
                self._pool.memory_level = level
                try:
                    return run()
                except Exception as error:
                    if not out_of_memory(error):
                        raise
                    log.warning("out of memory", job=message.job, attempt=attempt, resident=self._pool.resident_bytes())
                gc.collect()  # reference cycles of the failed run hold memory too
                self._pool.free()
        finally:
            self._pool.memory_level = 0
        if message.attempt == 1 and self._settings.device.startswith("cuda"):
            log.error("out of memory at every level; restarting to try once more", job=message.job)
            exit_now(EXIT_RESTART)
        raise OutOfMemory("The device ran out of memory. Try fewer or smaller pictures, or try again in a moment.")

    def _send_idle_report(self) -> None:
        self._send(IdleReport(memory=memory_of(self._settings.device, self._pool.resident_bytes())))


def exit_now(code: int) -> NoReturn:
    """Kill child processes such as FFmpeg, then exit without cleanup. A bot that has died could not kill them."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    os._exit(code)


def _to_answer(job: str, outcome: Result | AtelierError) -> Done | Failed:
    return Failed.of(outcome, job) if isinstance(outcome, AtelierError) else Done(job=job, result=outcome)


def loaders(
    tasks: Iterable[Task], services: Mapping[str, Capability], settings: WorkerSettings
) -> Iterator[tuple[str, Callable[[], Model]]]:
    """Yield the pool's loaders by name: TASK for its model, TASK:NAME for its choices, and the task's extra models."""
    for task in tasks:
        for name, load in task.extra_models.items():
            yield name, partial(load, settings)
        if task.load:
            yield task.name, partial(task.load, settings)
            for name in services[task.name].offers.get("model", ()):
                yield f"{task.name}:{name}", partial(task.load, settings.with_checkpoint(task.name, name))
