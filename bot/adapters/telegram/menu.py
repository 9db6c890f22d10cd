"""Publish the bot's command menu and description in every language of the bot."""

from typing import get_args

from telegram import BotCommand

from bot.adapters.telegram.message import Bot
from bot.core.command import Command
from bot.i18n.translate import Language, translate

DESCRIPTION = (
    "Make pictures, videos and more on the owner's own machine. "
    "Send /imagine and what to draw, or /help to see everything."
)
"""What Telegram shows in an empty chat with the bot."""


async def publish(bot: Bot, commands: tuple[Command, ...]) -> bool:
    """Update the menus and descriptions that differ from Telegram's, and return whether any did. English is the default
    for languages without their own.
    """
    return any([await _publish(bot, commands, language) for language in get_args(Language)])


async def _publish(bot: Bot, commands: tuple[Command, ...], language: Language) -> bool:
    """Update the menu and the description in one language, and return whether either differed."""
    code = None if language == "en" else language
    visible = [command for command in commands if not command.admin and not command.hidden]
    menu = [BotCommand(command.name, translate(command.description, language)) for command in visible]
    description = translate(DESCRIPTION, language)
    stale_menu = list(await bot.get_my_commands(language_code=code)) != menu
    stale_description = (await bot.get_my_description(language_code=code)).description != description
    if stale_menu:
        await bot.set_my_commands(menu, language_code=code)
    if stale_description:
        await bot.set_my_description(description, language_code=code)
    return stale_menu or stale_description
