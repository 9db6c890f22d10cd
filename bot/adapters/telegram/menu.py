"""Publish the bot's command menu and description in every language of the bot."""

from collections.abc import Sequence
from typing import get_args

import structlog
from telegram import BotCommand, BotCommandScope, BotCommandScopeChat, BotCommandScopeDefault
from telegram.error import BadRequest

from bot.adapters.telegram.message import Bot
from bot.core.command import Command
from bot.i18n.translate import Language, translate

log = structlog.get_logger()

DESCRIPTION = (
    "Make pictures, videos and more on the owner's own machine. "
    "Send /imagine and what to draw, or /help to see everything."
)
"""What Telegram shows in an empty chat with the bot."""


SHORT_DESCRIPTION = "Draws pictures, enlarges photos, makes portraits talk and subtitles videos."
"""What Telegram shows on the bot's profile and beside a link to it, in at most 120 characters."""


async def publish(bot: Bot, commands: tuple[Command, ...], admins: Sequence[int] = ()) -> bool:
    """Update the menus and descriptions that differ from Telegram's, and return whether any did. English is the default
    for languages without their own.

    The menu in the private chats of `admins` also lists the commands for admins.
    """
    public = [command for command in commands if not command.hidden and not command.admin]
    everything = [command for command in commands if not command.hidden]
    changed = [await _publish(bot, public, language) for language in get_args(Language)]
    for admin in admins:
        changed += [await _publish_for_admin(bot, everything, language, admin) for language in get_args(Language)]
    return any(changed)


async def _publish(bot: Bot, commands: Sequence[Command], language: Language) -> bool:
    """Update the menu and the descriptions in one language, and return whether any differed."""
    code = _code_of(language)
    description, short = translate(DESCRIPTION, language), translate(SHORT_DESCRIPTION, language)
    stale_menu = await _publish_menu(bot, commands, language, BotCommandScopeDefault())
    stale_description = (await bot.get_my_description(language_code=code)).description != description
    stale_short = (await bot.get_my_short_description(language_code=code)).short_description != short
    if stale_short:
        await bot.set_my_short_description(short, language_code=code)
    if stale_description:
        await bot.set_my_description(description, language_code=code)
    return stale_menu or stale_description or stale_short


async def _publish_for_admin(bot: Bot, commands: Sequence[Command], language: Language, admin: int) -> bool:
    """Update the menu in an admin's private chat. There is no such chat before the admin has written to the bot."""
    try:
        return await _publish_menu(bot, commands, language, BotCommandScopeChat(admin))
    except BadRequest as error:
        log.info("no menu for an admin", admin=admin, why=error.message)
        return False


async def _publish_menu(bot: Bot, commands: Sequence[Command], language: Language, scope: BotCommandScope) -> bool:
    """Update the menu of a scope in one language, and return whether it differed."""
    code = _code_of(language)
    menu = [BotCommand(command.name, translate(command.description, language)) for command in commands]
    if list(await bot.get_my_commands(scope=scope, language_code=code)) == menu:
        return False
    await bot.set_my_commands(menu, scope=scope, language_code=code)
    return True


def _code_of(language: Language) -> str | None:
    return None if language == "en" else language
