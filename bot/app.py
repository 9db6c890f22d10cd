"""The parts of a running bot. Commands see some of them through their Call, as `bot.requests.contexts` says."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bot.config.settings import Settings
from bot.core.command import Command
from bot.jobs.coalescing import JobCoalescer
from bot.jobs.limit_gate import LimitGate
from engine.core.errors import UserMessage
from engine.host.engine import Engine
from storage.files import Files
from storage.store import Rate, Store


@dataclass(frozen=True)
class Prompt:
    """A prompt as it is drawn, and notes for the user on how it was written."""

    text: str
    notes: tuple[UserMessage, ...] = ()


@dataclass(frozen=True)
class AppContext:
    """The open store, engine and settings.

    `adapters` maps each platform to its state: on, or why it is off and how to turn it on.
    `started` is the time of the start in seconds since the epoch.
    `prompts` caches the newest prompts that magic wrote for pictures, by the key of the job that wrote them.
    """

    settings: Settings
    store: Store
    files: Files
    engine: Engine
    commands: tuple[Command, ...]
    adapters: dict[str, UserMessage] = field(default_factory=dict)
    started: float = field(default_factory=time.time)
    prompts: dict[str, Prompt] = field(default_factory=dict)

    @cached_property
    def coalescer(self) -> JobCoalescer:
        """The active jobs. It knows a job's position in the queue and cancels jobs."""
        return JobCoalescer(self.engine)

    @cached_property
    def limit_gate(self) -> LimitGate:
        """The jobs that wait for a rate limit."""
        return LimitGate(self.store, self.rates)

    def cancel_job(self, job: str) -> bool:
        """End an active job: one that waits for a rate limit, is queued or runs. Returns False for any other job."""
        return self.limit_gate.cancel(job) or self.coalescer.cancel(job)

    def command(self, name: str) -> Command | None:
        """Return the command of this name, or None."""
        return next((command for command in self.commands if command.name == name), None)

    @cached_property
    def rates(self) -> Mapping[str, Rate | None]:
        """The rate of each command that declares one or has one in config.toml. None means that it is turned off."""
        changed = self.settings.limits
        limited = [command for command in self.commands if command.rate or command.name in changed]
        return {command.name: changed.get(command.name, command.rate) for command in limited}
