"""Slash commands and message menus made from the declared commands: typed options, choices, bounds."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Optional

import discord
import structlog
from discord import app_commands

from bot.adapters.discord.localisation import words
from bot.adapters.discord.menus import OnMenu, menus
from bot.core.command import Command
from engine.core.params import Option

log = structlog.get_logger()

OnCommand = Callable[[discord.Interaction, str, dict[str, Any]], Awaitable[None]]
"""Hears of a used command: the interaction, the command's name, and the options that were given."""

EVERYWHERE = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
EVERYBODY = app_commands.AppInstallationType(guild=True, user=True)

TEXT_LENGTH = 6000
"""Characters that Discord lets a person write into an option; more goes as a file."""

_TYPES: dict[str, Any] = {
    "text": str,
    "integer": int,
    "number": float,
    "flag": bool,
    "media": discord.Attachment,
}


class Tree(app_commands.CommandTree[Any]):
    """One slash command for each command, shown in servers, direct messages and groups, to guild and user installs."""

    def __init__(self, client: discord.Client, commands: Sequence[Command], used: OnCommand, chosen: OnMenu) -> None:
        super().__init__(client, allowed_contexts=EVERYWHERE, allowed_installs=EVERYBODY)
        self._used = used
        for menu in menus(commands, chosen):
            self.add_command(menu)
        for command in commands:
            if command.hidden:
                continue
            slash: app_commands.Command[Any, ..., None] = app_commands.Command(
                name=command.name, description=words(command.description), callback=_callback(command, used)
            )
            self.add_command(slash)

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError, /) -> None:
        """A command that Discord still shows as it was before it changed is refused like any unknown one."""
        match error:
            case app_commands.CommandNotFound(name=name):
                await self._used(interaction, name, {})
            case app_commands.CommandSignatureMismatch(command=command):
                await self._used(interaction, command.name, {})
            case _:
                log.error("request failed", exc_info=error)


def _callback(command: Command, used: OnCommand) -> Callable[..., Coroutine[Any, Any, None]]:
    """A function with the signature that discord.py reads: one annotated parameter an option."""
    options = command.params.options()

    async def use(interaction: discord.Interaction, **given: Any) -> None:
        await used(interaction, command.name, {name: value for name, value in given.items() if value is not None})

    leading = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_ONLY, annotation=discord.Interaction)
    use.__signature__ = inspect.Signature([leading, *map(_parameter, options)])  # type: ignore[attr-defined]  # PEP 362
    described = app_commands.describe(**{option.name: words(option.description) for option in options})(use)
    return app_commands.choices(**{option.name: _choices(option) for option in options if option.choices})(described)


def _parameter(option: Option) -> inspect.Parameter:
    kind = _option_type(option)
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=kind if option.required else Optional[kind],  # noqa: UP045  # a Range takes no `| None`
        default=inspect.Parameter.empty if option.required else None,
    )


def _option_type(option: Option) -> Any:
    kind = type(option.choices[0]) if option.choices else _TYPES[option.kind]
    if option.minimum is None and option.maximum is None:
        return kind
    bound = float if option.kind == "number" else int
    most = option.maximum if option.kind != "text" else min(option.maximum or TEXT_LENGTH, TEXT_LENGTH)
    low, high = (None if limit is None else bound(limit) for limit in (option.minimum, most))
    return app_commands.Range[kind, low, high]


def _choices(option: Option) -> list[app_commands.Choice[Any]]:
    return [app_commands.Choice(name=words(str(value)), value=value) for value in option.choices]
