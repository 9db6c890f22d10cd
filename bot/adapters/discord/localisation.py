"""Names and descriptions as Discord shows them, with their Spanish translations."""

import re

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Location

from bot.adapters.base import truncate
from bot.i18n.translate import translate

DESCRIPTION_LENGTH, TITLE_LENGTH = 100, 32
"""Characters that Discord allows in a description, and in the title of a menu entry or form."""
SPANISH_LOCALES = (discord.Locale.spain_spanish, discord.Locale.latin_american_spanish)
"""Discord's locales that get the Spanish translation."""
NAMES = (Location.command_name, Location.parameter_name)
"""Where a text is the name of a command or option, for which Discord has rules."""
NAME = re.compile(r"[-_\w]{1,32}")
"""What Discord allows as the name of a slash command or option."""


class Spanish(app_commands.Translator):
    """Translates commands into Spanish by `bot.i18n.translate`. Discord shows the English text where there is no
    translation.
    """

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """Return the Spanish text, or None for other languages and where the translation is missing or not allowed as a
        name.
        """
        if locale not in SPANISH_LOCALES:
            return None
        english = string.extras.get("whole", string.message)
        spanish = truncate(translate(english, "es"), string.extras.get("length", DESCRIPTION_LENGTH))
        return spanish if _is_valid_name(spanish, context) and spanish != string.message else None


def localise(english: str, length: int = DESCRIPTION_LENGTH) -> app_commands.locale_str:
    """Return the English text, shortened to `length` characters. The translator finds the Spanish by the full text."""
    return app_commands.locale_str(truncate(english, length), whole=english, length=length)


def _is_valid_name(spanish: str, context: app_commands.TranslationContextTypes) -> bool:
    """Return whether Discord accepts the text. Slash commands and options need lower-case names without spaces; menu
    entries and descriptions do not.
    """
    if context.location not in NAMES or isinstance(context.data, app_commands.ContextMenu):
        return True
    return NAME.fullmatch(spanish) is not None and spanish == spanish.lower()
