"""The values that flow: Media, Result, Job and its Updates. All are frozen; none holds bytes or platform objects."""

import hashlib
import json
import secrets
import time
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr

from engine.core.errors import AtelierError, UserMessage

Fact = JsonValue
P = TypeVar("P", bound=BaseModel)


class WireModel(BaseModel):
    """Base of frozen values that are sent as JSON. Unknown fields are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Media(WireModel):
    """A file named by its content."""

    path: Path
    mime: str
    sha256: str
    #: Size of the file.
    bytes: int
    #: Width and height in pixels, for a picture or a video.
    width: int | None = None
    height: int | None = None
    #: Duration, for audio, a video or an animation.
    seconds: float | None = None


class Result(WireModel):
    """The output of a job, and the facts needed to reproduce it: backend, tier, model, seed, seconds, prompt."""

    media: tuple[Media, ...] = ()
    text: str = ""
    notes: tuple[UserMessage, ...] = ()
    facts: dict[str, Fact] = {}


class Queued(WireModel):
    """The job is waiting in the queue."""

    type: Literal["queued"] = "queued"
    job: str
    #: Position in the queue. 1 runs next.
    place: int
    #: Seconds until the job should start, if that can be estimated.
    seconds_left: float | None = None
    #: Whether the whole queue is paused.
    paused: bool = False


class Started(WireModel):
    """A worker has started the job."""

    type: Literal["started"] = "started"
    job: str
    worker: str


class Progress(WireModel):
    """The progress of a running job."""

    type: Literal["progress"] = "progress"
    job: str
    #: What the job is doing, as a template that `facts` fill.
    stage: str
    facts: dict[str, str | int | float] = {}
    #: Fraction of the whole job, from 0 to 1.
    fraction: float = Field(ge=0, le=1)
    #: Seconds until the job should end, if that can be estimated.
    seconds_left: float | None = None
    preview: Media | None = None

    @property
    def sentence(self) -> UserMessage:
        """Return what the job is doing."""
        return UserMessage(template=self.stage, facts=self.facts)


class Paused(WireModel):
    """The studio is closing, and the job continues after the restart. No update follows in this run of the studio."""

    type: Literal["paused"] = "paused"
    job: str


class Done(WireModel):
    """The job has succeeded. `job` is empty for an answer that was never queued."""

    type: Literal["done"] = "done"
    job: str = ""
    result: Result
    cached: bool = False


class Failed(WireModel):
    """A job has failed, or a request was refused. `kind` names a class in `engine.core.errors`."""

    type: Literal["failed"] = "failed"
    job: str = ""
    kind: str
    sentence: UserMessage

    @classmethod
    def of(cls, error: AtelierError, job: str = "") -> "Failed":
        """Return the update that reports `error` for `job`."""
        return cls(job=job, kind=error.kind, sentence=error.sentence)

    def error(self) -> AtelierError:
        """Return the exception that this update reports."""
        return AtelierError.revive(self.kind, self.sentence)


Update = Annotated[Queued | Started | Progress | Paused | Done | Failed, Field(discriminator="type")]


class _ParsedParams:
    """The parsed parameters of a job. They are derived from the job, so all instances are equal."""

    def __init__(self) -> None:
        self.raw: dict[str, Any] | None = None
        self.parsed: BaseModel | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ParsedParams)

    def __hash__(self) -> int:
        return 0


class Job(WireModel):
    """Accepted work: validated parameters, with files on disk."""

    id: str = Field(default_factory=lambda: secrets.token_hex(5))
    #: Name of the command that created the job.
    command: str
    task: str
    #: The task's parameters, as `TaskParams.model_dump(mode="json")`.
    params: dict[str, Any]
    #: Cache key, from `key_of`.
    key: str
    #: The key with the seed that follows from the other parameters, if the user chose no seed; else empty. A user who
    #: has a job with it has seen its result, so the same words draw another one for them.
    repeat_key: str = ""
    #: Platform and user id, such as "discord:42".
    user: str
    #: Where to post the answer. Only the adapter that wrote it parses it.
    origin: str
    #: Whether only the user may see the answer.
    private: bool = False
    #: Server or group of the request, such as "discord:813847887657", or empty.
    place: str = ""
    #: Language of the answer.
    language: str = "en"
    #: Unique id of the request's message, on platforms that may deliver a message twice.
    request: str | None = None
    #: Secret with which only the platform's adapter can answer. It is stored beside the job until the job ends.
    reply_token: str = Field("", exclude=True, repr=False)
    #: Expected device-seconds.
    cost: float = 1.0
    #: The user's share of the devices relative to other users.
    weight: float = Field(1.0, gt=0)
    #: How many of the user's jobs may run at the same time.
    max_running: int | None = Field(None, ge=1)
    #: How many of the user's jobs may wait in the queue.
    max_queued: int | None = Field(None, ge=0)
    #: Notes for the user on how the job was created, such as what wrote its prompt.
    notes: tuple[UserMessage, ...] = ()
    #: Unix time of the request.
    created: float = Field(default_factory=time.time)
    _parsed: _ParsedParams = PrivateAttr(default_factory=_ParsedParams)

    def parsed_params(self, model: type[P]) -> P:
        """Return the parameters as an instance of `model`, which are parsed only once.

        Raises ValidationError and BadInput if they are not valid.
        """
        known = self._parsed.parsed if self._parsed.raw is self.params else None
        if type(known) is model:
            return known
        parsed = model.model_validate(self.params)
        self.keep_parsed(parsed)
        return parsed

    def keep_parsed(self, params: BaseModel) -> None:
        """Remember the instance of the task's model that `params` was dumped from. It is never sent or stored."""
        self._parsed.raw, self._parsed.parsed = self.params, params

    @property
    def shared_key(self) -> str:
        """Return the key of the runs and results that this job may share with others."""
        return shared_key(self.key, self.user, private=self.private)

    def finish_with(self, result: Result, *, cached: bool = False) -> Done:
        """Return the final update with `result`, which other jobs may share, and this job's own notes."""
        notes = (*self.notes, *result.notes)
        return Done(job=self.id, result=result.model_copy(update={"notes": notes}), cached=cached)


def key_of(task: str, version: int, model: str, params: dict[str, Any]) -> str:
    """Return the cache key: SHA-256 of the task, its version, the model's identity and the parameters."""
    parts = [task, version, model, hash_files(params)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def shared_key(key: str, user: str, *, private: bool) -> str:
    """Return the key under which a job with the cache key `key` shares its run and its result.

    A private job shares them only with private jobs of its user. Nobody else learns that it exists, not even by a fast
    answer.
    """
    return f"{key} {user}" if private else key


def hash_files(value: Any) -> Any:
    """Return `value` with each dumped Media in it replaced by its SHA-256, so that paths do not matter."""
    if isinstance(value, dict):
        return value["sha256"] if "sha256" in value else {name: hash_files(item) for name, item in value.items()}
    return [hash_files(item) for item in value] if isinstance(value, list) else value
