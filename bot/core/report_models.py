"""The reports about the studio that commands make for other programs, as frozen models.

The names of the fields are public: programs read them.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from engine.core.protocol import Memory

ANSWER_CONFIG: Final = ConfigDict(
    frozen=True,
    extra="forbid",
    hide_input_in_errors=True,
    use_attribute_docstrings=True,
    json_schema_serialization_defaults_required=True,
)
"""The configuration of everything that the HTTP API returns."""


class Part(BaseModel):
    """Base of the parts of a report. It may have further fields, which depend on the backend and may change."""

    model_config = ConfigDict(**{**ANSWER_CONFIG, "extra": "allow"})


class StatusReport(Part):
    """Base of the reports."""

    status: Literal["success"] = "success"


class CacheReport(StatusReport):
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


class ClearedReport(StatusReport):
    """What was removed from the cache."""

    entries: int
    bytes: int


class Allowance(Part):
    """How often a command can still be used: `left` of `count` times in a window of `window` seconds."""

    count: int
    window: float
    used: int
    left: int
    resets_at: float | None
    """The Unix time at which one more use is free; null if none is taken."""


class LimitsReport(StatusReport):
    """What you have left of each command's rate limit."""

    limits: dict[str, Allowance | None]
    """By command; null for a command without a limit."""
    active_users: int
    """Users who asked for something in the last hour."""
    tracked_requests: int
    """Requests that count towards limits."""


class OptionalModel(Part):
    """A model that a service can do without."""

    available: bool
    model: str | None
    why: str


class Service(Part):
    """How the studio does the work of a command, and why."""

    available: bool
    tier: str | None
    backend: str | None
    model: str | None
    why: str
    extras: dict[str, OptionalModel]


class ServicesReport(StatusReport):
    """The backend of each command, and the state of each platform."""

    services: dict[str, Service]
    adapters: dict[str, str]
    """By platform: `on`, or why it is off."""


class QueueReport(Part):
    """Jobs that run and wait. `mode` is `open`, `paused` or `draining`."""

    running: int
    waiting: int
    mode: str


class Device(Part):
    """A device with its worker."""

    device: str
    ready: bool
    why: str | None
    """Why the worker is not ready."""
    busy: bool
    memory: Memory | None
    notes: tuple[str, ...]
    """Warnings for the owner."""


class SystemReport(StatusReport):
    """Devices, memory, queue, uptime in seconds and versions."""

    uptime: float
    queue: QueueReport
    devices: tuple[Device, ...]
    versions: dict[str, str]
