"""The bot's command menu and description, in every language that it speaks."""

from typing import get_args

from telegram import BotCommand

from bot.adapters.telegram.message import Bot
from bot.core.command import Command
from bot.i18n.translate import Language, translate

DESCRIPTION = (
    "Pictures and more, made on the owner's own machine. Write /imagine and what to draw; /help lists everything."
)


async def publish(bot: Bot, commands: tuple[Command, ...]) -> bool:
    """Set what differs from what Telegram has; English is for everybody without a menu of their own. True if it did."""
    return any([await _publish(bot, commands, language) for language in get_args(Language)])


async def _publish(bot: Bot, commands: tuple[Command, ...], language: Language) -> bool:
    code = None if language == "en" else language
    shown = [command for command in commands if not command.admin and not command.hidden]
    menu = [BotCommand(command.name, translate(command.description, language)) for command in shown]
    words = translate(DESCRIPTION, language)
    stale_menu = list(await bot.get_my_commands(language_code=code)) != menu
    stale_words = (await bot.get_my_description(language_code=code)).description != words
    if stale_menu:
        await bot.set_my_commands(menu, language_code=code)
    if stale_words:
        await bot.set_my_description(words, language_code=code)
    return stale_menu or stale_words
