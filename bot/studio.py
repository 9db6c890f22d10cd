"""What the bot is made of while it runs. Commands reach it through their Call."""

import time
from dataclasses import dataclass, field

from storage.files import Files
from storage.store import Store

from bot.command import Command
from bot.config import Settings
from engine.errors import Sentence
from engine.host import Engine


@dataclass(frozen=True)
class Studio:
    """The open parts. `adapters` says of each platform that it is on, or why not and how to turn it on."""

    settings: Settings
    store: Store
    files: Files
    engine: Engine
    commands: tuple[Command, ...]
    adapters: dict[str, Sentence] = field(default_factory=dict)
    started: float = field(default_factory=time.time)

    def command(self, name: str) -> Command | None:
        return next((command for command in self.commands if command.name == name), None)
