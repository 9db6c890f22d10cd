"""What Discord shows of our words, and their Spanish."""

import re

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Location

from bot.adapters.base import cut
from bot.i18n.translate import translate

DESCRIPTION_LENGTH, TITLE_LENGTH = 100, 32
SPANISH_LOCALES = (discord.Locale.spain_spanish, discord.Locale.latin_american_spanish)
NAMES = (Location.command_name, Location.parameter_name)
NAME = re.compile(r"[-_\w]{1,32}")


class Spanish(app_commands.Translator):
    """Spanish for what `bot.i18n.translate` has; Discord shows the English where there is none."""

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        if locale not in SPANISH_LOCALES:
            return None
        english = string.extras.get("whole", string.message)
        spanish = cut(translate(english, "es"), string.extras.get("length", DESCRIPTION_LENGTH))
        return spanish if _fits(spanish, context) and spanish != string.message else None


def words(english: str, length: int = DESCRIPTION_LENGTH) -> app_commands.locale_str:
    """English as long as Discord takes it; the translator finds its Spanish under the whole."""
    return app_commands.locale_str(cut(english, length), whole=english, length=length)


def _fits(spanish: str, context: app_commands.TranslationContextTypes) -> bool:
    """A slash command and its options have names without spaces and capitals; an entry of a menu is free."""
    if context.location not in NAMES or isinstance(context.data, app_commands.ContextMenu):
        return True
    return NAME.fullmatch(spanish) is not None and spanish == spanish.lower()
