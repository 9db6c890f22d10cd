"""Slash commands and message menus built from the declared commands, with option types, choices and bounds."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Optional

import discord
import structlog
from discord import app_commands

from bot.adapters.discord.localisation import localise
from bot.adapters.discord.menus import OnMenu, build_menus
from bot.core.command import Command
from engine.core.options import Option

log = structlog.get_logger()

OnCommand = Callable[[discord.Interaction, str, dict[str, Any]], Awaitable[None]]
"""Receives a used slash command: the interaction, the command's name, and the options by name."""

ALL_CONTEXTS = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
"""Commands are offered in servers, in direct messages and in group chats."""
ALL_INSTALLS = app_commands.AppInstallationType(guild=True, user=True)
"""Commands are offered to servers that install the bot and to users who install it for themselves."""

NO_PERMISSIONS = discord.Permissions.none()
"""Hides a command in servers, except from their administrators: Discord's Application Command Permissions."""

MAX_TEXT_LENGTH = 6000
"""Characters that Discord allows in a text option. Longer text must be sent as a file."""

_TYPES: dict[str, Any] = {
    "text": str,
    "integer": int,
    "number": float,
    "flag": bool,
    "media": discord.Attachment,
}
"""Discord's type of an option, by the option's kind."""


class Tree(app_commands.CommandTree[Any]):
    """One slash command for each command that is not hidden, and one menu entry for each that declares one."""

    def __init__(
        self, client: discord.Client, commands: Sequence[Command], on_command: OnCommand, on_menu: OnMenu
    ) -> None:
        super().__init__(client, allowed_contexts=ALL_CONTEXTS, allowed_installs=ALL_INSTALLS)
        self._on_command = on_command
        for menu in build_menus(commands, on_menu):
            self.add_command(menu)
        for command in commands:
            if command.hidden:
                continue
            slash: app_commands.Command[Any, ..., None] = app_commands.Command(
                name=command.name, description=localise(command.description), callback=_callback(command, on_command)
            )
            if command.admin:
                slash.default_permissions = NO_PERMISSIONS
            self.add_command(slash)

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError, /) -> None:
        """Answer a command that Discord still shows in an older form, as any unknown command is answered."""
        match error:
            case app_commands.CommandNotFound(name=name):
                await self._on_command(interaction, name, {})
            case app_commands.CommandSignatureMismatch(command=command):
                await self._on_command(interaction, command.name, {})
            case _:
                log.error("request failed", exc_info=error)


def _callback(command: Command, on_command: OnCommand) -> Callable[..., Coroutine[Any, Any, None]]:
    """Return a function with the signature that discord.py reads: one annotated parameter for each option."""
    options = command.params.options()

    async def use(interaction: discord.Interaction, **given: Any) -> None:
        await on_command(interaction, command.name, {name: value for name, value in given.items() if value is not None})

    leading = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_ONLY, annotation=discord.Interaction)
    use.__signature__ = inspect.Signature([leading, *map(_parameter, options)])  # type: ignore[attr-defined]  # PEP 362
    described = app_commands.describe(**{option.name: localise(option.description) for option in options})(use)
    return app_commands.choices(**{option.name: _choices(option) for option in options if option.choices})(described)


def _parameter(option: Option) -> inspect.Parameter:
    kind = _option_type(option)
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=kind if option.required else Optional[kind],  # noqa: UP045  # a Range does not support `| None`
        default=inspect.Parameter.empty if option.required else None,
    )


def _option_type(option: Option) -> Any:
    kind = type(option.choices[0]) if option.choices else _TYPES[option.kind]
    if option.minimum is None and option.maximum is None:
        return kind
    number = float if option.kind == "number" else int
    maximum = option.maximum if option.kind != "text" else min(option.maximum or MAX_TEXT_LENGTH, MAX_TEXT_LENGTH)
    low, high = (None if limit is None else number(limit) for limit in (option.minimum, maximum))
    return app_commands.Range[kind, low, high]


def _choices(option: Option) -> list[app_commands.Choice[Any]]:
    return [app_commands.Choice(name=localise(str(value)), value=value) for value in option.choices]
