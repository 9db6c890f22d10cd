"""What crosses the pipe between bot and worker: one JSON object a line, its kind in `type`."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from engine.core.errors import UserMessage
from engine.core.job import Update, WireModel


class Run(WireModel):
    """To the worker: do this job. `params` is a dumped `TaskParams` of the task, `attempt` counts its runs."""

    type: Literal["run"] = "run"
    job: str
    task: str
    params: dict[str, Any]
    attempt: int = 1


class Batch(WireModel):
    """To the worker: do these jobs of one task in one run, and report of each."""

    type: Literal["batch"] = "batch"
    runs: tuple[Run, ...] = Field(min_length=2)


class Cancel(WireModel):
    """To the worker: end exactly this job, running or not begun."""

    type: Literal["cancel"] = "cancel"
    job: str


class NamedChoice(WireModel):
    """A name that an option may take: the `identity` of what it stands for, and what that cannot honour."""

    identity: str
    refuses: tuple[str, ...] = ()


class OptionalModel(WireModel):
    """A model that only some requests need: its identity, empty where it is not here, and why."""

    model: str
    why: UserMessage


class Capability(WireModel):
    """Which backend does a task here, and why. `model` is the model's identity, `refuses` options it cannot honour.

    `together` is how many jobs it gains from doing in one run. `offers` are the names that some options take here.
    `extras` are such values as take a model of their own, here or not, as `"motion live"`.
    """

    task: str
    version: int
    backend: str
    tier: Literal["full", "embedded"]
    model: str
    why: UserMessage
    refuses: tuple[str, ...] = ()
    together: int = 1
    offers: dict[str, dict[str, NamedChoice]] = Field(default_factory=dict)
    extras: dict[str, OptionalModel] = Field(default_factory=dict)


class Memory(WireModel):
    """Bytes on the worker's device, and what each held model takes of them."""

    used: int
    free: int
    models: dict[str, int] = Field(default_factory=dict)


class Ready(WireModel):
    """From the worker, first: what it is, what it can do, and what the owner should know of the programs it runs."""

    type: Literal["ready"] = "ready"
    device: str
    services: tuple[Capability, ...]
    versions: dict[str, str]
    notes: tuple[UserMessage, ...] = ()


class IdleReport(WireModel):
    """From the worker, after Ready and after every run: what it holds, and that it is free again."""

    type: Literal["held"] = "held"
    memory: Memory


class StartupFailed(WireModel):
    """From a worker that cannot serve, before it exits."""

    type: Literal["unfit"] = "unfit"
    why: UserMessage


ToWorker = Annotated[Run | Batch | Cancel, Field(discriminator="type")]
FromWorker = Annotated[Ready | IdleReport | StartupFailed | Update, Field(discriminator="type")]

_QUIET = ConfigDict(hide_input_in_errors=True)
"""What people wrote stays out of logs."""
to_worker: TypeAdapter[Run | Batch | Cancel] = TypeAdapter(ToWorker, config=_QUIET)
from_worker: TypeAdapter[Ready | IdleReport | StartupFailed | Update] = TypeAdapter(FromWorker, config=_QUIET)


def encode_line(message: WireModel) -> bytes:
    """The message as it goes over the pipe."""
    return message.model_dump_json().encode() + b"\n"
