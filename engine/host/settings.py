"""The settings of the engine's host."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from engine.core.devices import gpu_uuid
from engine.core.settings import WorkerSettings


@dataclass(frozen=True)
class HostSettings:
    """Which workers the host starts, and with what settings."""

    #: The devices; each gets a worker.
    devices: tuple[str, ...]
    #: The settings that all workers share. The host fills in `device`, `gpu` and `tasks`.
    worker: WorkerSettings
    #: Seconds that a job may take.
    timeout: float = 600.0
    #: Whether tasks that need no device get a CPU worker of their own, so that they never wait for one.
    cpu_lane: bool = False

    def for_worker(self, device: str, tasks: Sequence[str] = ()) -> WorkerSettings:
        """Return the settings of the worker on `device`, which runs only `tasks` if some are given.

        They name a GPU by its UUID, so that a worker that restarts gets the same one even if another has failed.
        """
        gpu = gpu_uuid(device, os.environ)
        return self.worker.model_copy(update={"device": device, "gpu": gpu, "tasks": tuple(tasks)})
