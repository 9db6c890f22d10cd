"""The worker loop: jobs in, updates out, one at a time; a cancel reaches the running job through its context."""

import os
import queue
import threading
from collections.abc import Callable, Iterable

import structlog

from engine.errors import AtelierError, Broken, Cancelled, OutOfMemory
from engine.job import Done, Failed, Result, Started, Value
from engine.memory import memory_of
from engine.models import Pool
from engine.task import Context, EngineSettings, Task
from engine.versions import versions
from engine.wire import Cancel, Held, Ready, Run, to_worker

log = structlog.get_logger()

GRACE = 2.0
"""Seconds that a running job has to notice that the bot is gone."""


class Worker:
    """Runs `tasks` on one device. `send` takes each message for the bot."""

    def __init__(self, tasks: dict[str, Task], settings: EngineSettings, send: Callable[[Value], None]) -> None:
        self._tasks = tasks
        self._settings = settings
        self._send = send
        self._services = {task.name: task.choose(settings) for task in tasks.values()}
        self._pool = Pool(settings.memory, {task.name: _loader(task, settings) for task in tasks.values() if task.load})
        self._inbox: queue.Queue[Run | None] = queue.Queue()
        self._running: Context | None = None
        self._running_job = ""
        self._dropped: set[str] = set()
        self._lock = threading.Lock()
        self._orphaned = threading.Event()
        self._ended = threading.Event()

    def serve(self, lines: Iterable[bytes]) -> None:
        """Say Ready, then work until `lines` ends; what runs then is cancelled, since nobody is left to see it."""
        self._send(Ready(device=self._settings.device, services=tuple(self._services.values()), versions=versions()))
        self._tell_held()
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()
        while (message := self._inbox.get()) is not None and not self._orphaned.is_set():
            self._send(self._answer(message))
            self._tell_held()
        self._ended.set()

    def _read(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            message = to_worker.validate_json(line)
            if isinstance(message, Cancel):
                self._cancel(message.job)
            else:
                self._inbox.put(message)
        self._orphaned.set()
        self._cancel(self._running_job)
        self._inbox.put(None)
        if not self._ended.wait(GRACE):
            os._exit(1)

    def _cancel(self, job: str) -> None:
        with self._lock:
            if self._running and job == self._running_job:
                self._running.cancelled.set()
            else:
                self._dropped.add(job)

    def _answer(self, message: Run) -> Done | Failed:
        try:
            return Done(job=message.job, result=self._run(message))
        except AtelierError as error:
            return Failed.of(error, message.job)
        except Exception as error:  # whatever a task does, the worker lives and the person is told
            if _is_out_of_memory(error):
                return Failed.of(_out_of_memory(), message.job)
            log.exception("task failed", job=message.job, task=message.task)
            return Failed.of(
                Broken("The task failed by a fault of ours. It is in the log; try other options."), message.job
            )

    def _run(self, message: Run) -> Result:
        task = self._tasks[message.task]
        context = Context(message.job, self._settings.folder, self._pool, self._services[task.name], self._send)
        self._begin(message.job, context)
        try:
            self._send(Started(job=message.job, worker=self._settings.device))
            params = task.params.model_validate(message.params)
            return self._with_room(lambda: task.run(params, context))
        finally:
            self._end()

    def _begin(self, job: str, context: Context) -> None:
        with self._lock:
            if job in self._dropped:
                self._dropped.discard(job)
                raise Cancelled("Cancelled.")
            self._running, self._running_job = context, job

    def _end(self) -> None:
        with self._lock:
            self._running, self._running_job = None, ""
            if self._inbox.empty():
                self._dropped.clear()

    def _with_room(self, run: Callable[[], Result]) -> Result:
        try:
            return run()
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            log.warning("out of memory: models given back, second try", held=self._pool.held())
        self._pool.free()
        return run()

    def _tell_held(self) -> None:
        self._send(Held(memory=memory_of(self._settings.device, self._pool.held())))


def _loader(task: Task, settings: EngineSettings) -> Callable[[], object]:
    assert task.load is not None
    load = task.load
    return lambda: load(settings)


def _is_out_of_memory(error: Exception) -> bool:
    """Torch's error by name, since it may not be installed; ONNX Runtime wraps `bad_alloc`."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "bad_alloc" in str(error)


def _out_of_memory() -> OutOfMemory:
    return OutOfMemory("The device ran out of memory. Ask for fewer or smaller pictures, or try again in a moment.")
