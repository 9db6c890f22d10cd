"""Slash commands made from the declared commands: typed options, choices, bounds, and Spanish where it is written."""

import inspect
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Optional

import discord
import structlog
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Location

from bot.adapters.base import cut
from bot.command import Command
from bot.words import say
from engine.params import Option

log = structlog.get_logger()

Used = Callable[[discord.Interaction, str, dict[str, Any]], Awaitable[None]]
"""Hears of a used command: the interaction, the command's name, and the options that were given."""

DESCRIPTION_LENGTH = 100
SPANISH_LOCALES = (discord.Locale.spain_spanish, discord.Locale.latin_american_spanish)
NAMES = (Location.command_name, Location.parameter_name)
NAME = re.compile(r"[-_\w]{1,32}")

EVERYWHERE = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
EVERYBODY = app_commands.AppInstallationType(guild=True, user=True)

_TYPES: dict[str, Any] = {
    "text": str,
    "integer": int,
    "number": float,
    "flag": bool,
    "media": discord.Attachment,
}


class Tree(app_commands.CommandTree[Any]):
    """One slash command for each command, shown in servers, direct messages and groups, to guild and user installs."""

    def __init__(self, client: discord.Client, commands: Iterable[Command], used: Used) -> None:
        super().__init__(client, allowed_contexts=EVERYWHERE, allowed_installs=EVERYBODY)
        self._used = used
        for command in commands:
            slash: app_commands.Command[Any, ..., None] = app_commands.Command(
                name=command.name, description=_words(command.description), callback=_callback(command, used)
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


class Spanish(app_commands.Translator):
    """Spanish for what `bot.words` has; Discord shows the English where there is none."""

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        if locale not in SPANISH_LOCALES:
            return None
        english = string.extras.get("whole", string.message)
        spanish = cut(say(english, "es"), DESCRIPTION_LENGTH)
        fits = context.location not in NAMES or (NAME.fullmatch(spanish) is not None and spanish == spanish.lower())
        return spanish if fits and spanish != string.message else None


def _callback(command: Command, used: Used) -> Callable[..., Coroutine[Any, Any, None]]:
    """A function with the signature that discord.py reads: one annotated parameter an option."""
    options = command.params.options()

    async def use(interaction: discord.Interaction, **given: Any) -> None:
        await used(interaction, command.name, {name: value for name, value in given.items() if value is not None})

    leading = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_ONLY, annotation=discord.Interaction)
    use.__signature__ = inspect.Signature([leading, *map(_parameter, options)])  # type: ignore[attr-defined]  # PEP 362
    described = app_commands.describe(**{option.name: _words(option.description) for option in options})(use)
    return app_commands.choices(**{option.name: _choices(option) for option in options if option.choices})(described)


def _parameter(option: Option) -> inspect.Parameter:
    kind = _bounded(option)
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=kind if option.required else Optional[kind],  # noqa: UP045  # a Range takes no `| None`
        default=inspect.Parameter.empty if option.required else None,
    )


def _bounded(option: Option) -> Any:
    kind = type(option.choices[0]) if option.choices else _TYPES[option.kind]
    if option.minimum is None and option.maximum is None:
        return kind
    bound = float if option.kind == "number" else int
    low, high = (None if limit is None else bound(limit) for limit in (option.minimum, option.maximum))
    return app_commands.Range[kind, low, high]


def _choices(option: Option) -> list[app_commands.Choice[Any]]:
    return [app_commands.Choice(name=_words(str(value)), value=value) for value in option.choices]


def _words(english: str) -> app_commands.locale_str:
    """English as long as Discord takes it; the translator finds its Spanish under the whole."""
    return app_commands.locale_str(cut(english, DESCRIPTION_LENGTH), whole=english)
