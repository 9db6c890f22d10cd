"""The JSON of the reports about the studio and of the data that the chat page starts with, as frozen models."""

from typing import Literal, Self

from pydantic import JsonValue

from bot.adapters.web.models import Answer, OpenAnswer
from engine.core.options import Option
from engine.core.protocol import Memory


class Report(OpenAnswer):
    """Base of the reports."""

    status: Literal["success"] = "success"


class CacheReport(Report):
    """What the cache holds. Its hits and misses are of all time."""

    entries: int
    bytes: int
    hits: int
    misses: int
    oldest: float | None
    """The Unix time at which the oldest entry was made; null if the cache is empty."""
    max_bytes: int | None
    hit_rate: float | None
    """Fraction of the lookups that were answered from the cache; null before the first one."""


class ClearedReport(Report):
    """What was removed from the cache."""

    entries: int
    bytes: int


class Allowance(OpenAnswer):
    """How often a command can still be used: `left` of `count` times in a window of `window` seconds."""

    count: int
    window: float
    used: int
    left: int
    resets_at: float | None
    """The Unix time at which one more use is free; null if none is taken."""


class LimitsReport(Report):
    """What you have left of each command's rate limit."""

    limits: dict[str, Allowance | None]
    """By command; null for a command without a limit."""
    active_users: int
    """Users who asked for something in the last hour."""
    tracked_requests: int
    """Requests that count towards limits."""


class OptionalModel(OpenAnswer):
    """A model that a service can do without."""

    available: bool
    model: str | None
    why: str


class Service(OpenAnswer):
    """How the studio does the work of a command, and why."""

    available: bool
    tier: str | None
    backend: str | None
    model: str | None
    why: str
    extras: dict[str, OptionalModel]


class ServicesReport(Report):
    """The backend of each command, and the state of each platform."""

    services: dict[str, Service]
    adapters: dict[str, str]
    """By platform: `on`, or why it is off."""


class QueueReport(OpenAnswer):
    """Jobs that run and wait. `mode` is `open`, `paused` or `draining`."""

    running: int
    waiting: int
    mode: str


class Device(OpenAnswer):
    """A device with its worker."""

    device: str
    ready: bool
    why: str | None
    """Why the worker is not ready."""
    busy: bool
    memory: Memory | None
    notes: tuple[str, ...]
    """Warnings for the owner."""


class SystemReport(Report):
    """Devices, memory, queue, uptime in seconds and versions."""

    uptime: float
    queue: QueueReport
    devices: tuple[Device, ...]
    versions: dict[str, str]


class PageOption(Answer):
    """An option of a command. `minimum` and `maximum` bound a number, or the characters of a text."""

    name: str
    kind: Literal["text", "integer", "number", "flag", "choice", "media"]
    description: str
    required: bool
    default: JsonValue
    choices: tuple[JsonValue, ...]
    minimum: int | float | None
    maximum: int | float | None
    rest: bool
    """Whether the option takes the rest of a typed line."""
    positional: bool
    """Whether the option may be typed without its name."""
    accepts: tuple[str, ...]
    """The kinds of files that the option takes."""
    about: str

    @classmethod
    def of(cls, option: Option, description: str) -> Self:
        """Return the option with its description in the visitor's language."""
        return cls.model_validate({**vars(option), "description": description})


class PageCommand(Answer):
    """A command that can be typed."""

    name: str
    description: str
    default: bool
    """Whether a line without a command runs it."""
    options: tuple[PageOption, ...]


class Page(Answer):
    """The data that the chat page starts with, in the visitor's language."""

    language: str
    commands: tuple[PageCommand, ...]
    file_bytes: int
    """The largest size of a file."""
