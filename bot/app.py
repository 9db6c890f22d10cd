"""What the bot is made of while it runs. Commands reach it through their Call."""

import time
from dataclasses import dataclass, field
from functools import cached_property

from bot.config.settings import Settings
from bot.core.command import Command
from bot.jobs.coalescing import JobCoalescer
from engine.core.errors import UserMessage
from engine.host.engine import Engine
from storage.files import Files
from storage.store import Store


@dataclass(frozen=True)
class Prompt:
    """What is drawn, and what its person should know of how it came to be."""

    text: str
    notes: tuple[UserMessage, ...] = ()


@dataclass(frozen=True)
class AppContext:
    """The open parts. `adapters` says of each platform that it is on, or why not and how to turn it on.

    `prompts` are the newest that magic wrote for drawings, by the key of the job that wrote them.
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
        """The jobs in the air: where a job's place is known and where it is cancelled."""
        return JobCoalescer(self.engine)

    def command(self, name: str) -> Command | None:
        return next((command for command in self.commands if command.name == name), None)
