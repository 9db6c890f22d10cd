"""What the host knows of a worker."""

from dataclasses import dataclass, field

from engine.core.errors import UserMessage
from engine.core.protocol import Capability, Memory


@dataclass(frozen=True)
class WorkerState:
    """A snapshot of one worker, as `/status` shows it."""

    device: str
    #: Process id; None while no process is running.
    pid: int | None = None
    ready: bool = False
    #: Why the worker is not ready.
    why: UserMessage | None = None
    #: Ids of the running jobs.
    running: tuple[str, ...] = ()
    memory: Memory | None = None
    #: What the worker can do. Kept while it restarts.
    services: tuple[Capability, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    notes: tuple[UserMessage, ...] = ()
