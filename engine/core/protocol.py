"""The messages between bot and worker: one JSON object per line, with its kind in `type`.

The bot sends `WorkerSettings` first, then runs and cancels. The worker answers `Ready` or `StartupFailed` first, then
the updates of each job and an `IdleReport` after each run.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from engine.core.errors import UserMessage
from engine.core.job import Fact, Update, WireModel


class Run(WireModel):
    """Tells the worker to run a job."""

    type: Literal["run"] = "run"
    job: str
    task: str
    #: The task's parameters, as `TaskParams.model_dump(mode="json")`.
    params: dict[str, Any]
    #: Number of this run of the job, from 1.
    attempt: int = 1


class Batch(WireModel):
    """Tells the worker to run several jobs of one task together, and to report on each of them."""

    type: Literal["batch"] = "batch"
    runs: tuple[Run, ...] = Field(min_length=2)


class Cancel(WireModel):
    """Tells the worker to cancel a job that is running or has not begun."""

    type: Literal["cancel"] = "cancel"
    job: str


class NamedChoice(WireModel):
    """A name that an option may take, such as the name of a checkpoint."""

    #: Identity of the model that the name stands for; part of the cache key.
    identity: str
    #: Options that this model does not support.
    refuses: tuple[str, ...] = ()


class OptionalModel(WireModel):
    """A model that only some requests need."""

    #: Identity of the model; empty if it is not installed.
    model: str
    #: Why the model was chosen, or why it is missing.
    why: UserMessage


class Capability(WireModel):
    """The backend that does a task on this worker."""

    task: str
    version: int
    backend: str
    tier: Literal["full", "embedded"]
    #: Identity of the model; part of the cache key.
    model: str
    #: Why this backend was chosen.
    why: UserMessage
    #: Options that the backend does not support.
    refuses: tuple[str, ...] = ()
    #: How many jobs may share a run.
    together: int = 1
    #: The names that some options accept, by option.
    offers: dict[str, dict[str, NamedChoice]] = Field(default_factory=dict)
    #: Option values that need a further model, installed or not, such as "motion live".
    extras: dict[str, OptionalModel] = Field(default_factory=dict)

    def facts(self) -> dict[str, Fact]:
        """Return the facts of a result that say what made it."""
        return {"backend": self.backend, "tier": self.tier, "model": self.model}


class Memory(WireModel):
    """The memory of a worker's device, in bytes."""

    used: int
    free: int
    #: Bytes on the device by loaded model.
    models: dict[str, int] = Field(default_factory=dict)


class Ready(WireModel):
    """The worker's first message: what it can do."""

    type: Literal["ready"] = "ready"
    device: str
    services: tuple[Capability, ...]
    #: Versions of Python, FFmpeg and the installed libraries.
    versions: dict[str, str]
    #: Warnings for the owner about the programs that the worker uses.
    notes: tuple[UserMessage, ...] = ()


class IdleReport(WireModel):
    """Says that the worker is idle, after Ready and after every run, and which models it holds."""

    type: Literal["held"] = "held"
    memory: Memory


class StartupFailed(WireModel):
    """The only message of a worker that cannot start."""

    type: Literal["unfit"] = "unfit"
    why: UserMessage


ToWorker = Annotated[Run | Batch | Cancel, Field(discriminator="type")]
FromWorker = Annotated[Ready | IdleReport | StartupFailed | Update, Field(discriminator="type")]

_QUIET = ConfigDict(hide_input_in_errors=True)
"""Keeps what users wrote out of the logs."""
to_worker: TypeAdapter[Run | Batch | Cancel] = TypeAdapter(ToWorker, config=_QUIET)
from_worker: TypeAdapter[Ready | IdleReport | StartupFailed | Update] = TypeAdapter(FromWorker, config=_QUIET)


def encode_line(message: WireModel) -> bytes:
    """Return the message as one line of JSON."""
    return message.model_dump_json().encode() + b"\n"
