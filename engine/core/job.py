"""The values that flow: Media, Result, Job and its Updates. All frozen; none holds bytes or a platform's object."""

import hashlib
import json
import secrets
import time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from engine.core.errors import AtelierError, UserMessage

Fact = JsonValue


class WireModel(BaseModel):
    """A frozen value that knows no option beyond its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Media(WireModel):
    """One file named by its content. `width` and `height` in pixels, `seconds` where it has a length."""

    path: Path
    mime: str
    sha256: str
    bytes: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None


class Result(WireModel):
    """What was made, and the facts to repeat it: backend, tier, model, seed, seconds, prompt."""

    media: tuple[Media, ...] = ()
    text: str = ""
    notes: tuple[UserMessage, ...] = ()
    facts: dict[str, Fact] = {}


class Queued(WireModel):
    """The job waits. `place` counts from 1, the next to run; `seconds_left` until it starts, where that is known."""

    type: Literal["queued"] = "queued"
    job: str
    place: int
    seconds_left: float | None = None
    paused: bool = False


class Started(WireModel):
    """A worker took the job."""

    type: Literal["started"] = "started"
    job: str
    worker: str


class Progress(WireModel):
    """How far a running job is. `fraction` is 0 to 1 of the whole job; `seconds_left` only where it is known.

    `stage` is a template that `facts` fill.
    """

    type: Literal["progress"] = "progress"
    job: str
    stage: str
    facts: dict[str, str | int | float] = {}
    fraction: float = Field(ge=0, le=1)
    seconds_left: float | None = None
    preview: Media | None = None


class Paused(WireModel):
    """The studio closes; the job goes on when it is back. The last update of this run of the studio."""

    type: Literal["paused"] = "paused"
    job: str


class Done(WireModel):
    """The end of a job that made something. `job` is empty for an answer that was never queued."""

    type: Literal["done"] = "done"
    job: str = ""
    result: Result
    cached: bool = False


class Failed(WireModel):
    """The end of a job, or of a request that was refused: `kind` names a class of `engine.core.errors`."""

    type: Literal["failed"] = "failed"
    job: str = ""
    kind: str
    sentence: UserMessage

    @classmethod
    def of(cls, error: AtelierError, job: str = "") -> "Failed":
        return cls(job=job, kind=error.kind, sentence=error.sentence)

    def error(self) -> AtelierError:
        return AtelierError.revive(self.kind, self.sentence)


Update = Annotated[Queued | Started | Progress | Paused | Done | Failed, Field(discriminator="type")]


class Job(WireModel):
    """What was accepted: checked and typed, its files on disk. `params` is `TaskParams.model_dump(mode="json")`.

    `user` is `"discord:42"`; only the adapter that wrote `origin` reads it. `cost` is the expected device-seconds,
    `weight` the person's share of the devices beside others', `at_once` how many jobs of theirs may run together, and
    `in_line` how many may wait.
    `place` is the server or group in which it was asked for, as `"discord:813847887657"`; empty where there is none.
    `request` names the message that asked, where its platform may tell of it twice: no two jobs have the same.
    `notes` are what its person should know of how it came to be, such as who wrote its prompt.
    """

    id: str = Field(default_factory=lambda: secrets.token_hex(5))
    command: str
    task: str
    params: dict[str, Any]
    key: str
    user: str
    origin: str
    private: bool = False
    place: str = ""
    language: str = "en"
    request: str | None = None
    cost: float = 1.0
    weight: float = Field(1.0, gt=0)
    at_once: int | None = Field(None, ge=1)
    in_line: int | None = Field(None, ge=0)
    notes: tuple[UserMessage, ...] = ()
    created: float = Field(default_factory=time.time)

    def finish_with(self, result: Result, *, cached: bool = False) -> Done:
        """Its end with `result`, which others may share, under the notes that are this job's alone."""
        notes = (*self.notes, *result.notes)
        return Done(job=self.id, result=result.model_copy(update={"notes": notes}), cached=cached)


def key_of(task: str, version: int, model: str, params: dict[str, Any]) -> str:
    """The cache key: SHA-256 over task, its version, the model's identity and the parameters, files by their hash."""
    named = [task, version, model, hash_files(params)]
    return hashlib.sha256(json.dumps(named, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def hash_files(value: Any) -> Any:
    """`value` with each file in it replaced by its hash, so that where a file lies does not matter."""
    if isinstance(value, dict):
        return value["sha256"] if "sha256" in value else {name: hash_files(item) for name, item in value.items()}
    return [hash_files(item) for item in value] if isinstance(value, list) else value
